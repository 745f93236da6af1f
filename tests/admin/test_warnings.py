"""Calendar warnings on the pages of rollouts and waves, before saving, and accepted with a reason."""

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from rollout import accepting, outbox
from rollout.admin.warned import ACCEPTED
from rollout.models import FreezePeriod, MonthlyLimit, Reminder, Rollout, WarningAcceptance
from tests.admin.edits import REASON, edited, errors, everything, post, save, url, wave
from tests.factories import ContactFactory, WaveFactory

IN_FREEZE = "R9.2.18"
IN_FREEZE_AND_LATE = ["freeze", "short_notice"]


@pytest.fixture
def frozen(seeded, staff_client):
    """国税庁 cuts over in its freeze."""
    save(staff_client, wave(), cutover=IN_FREEZE, reason=REASON)
    return staff_client


@pytest.fixture
def told(seeded, staff_client):
    """A contact of 国税庁 to whom mails are planned."""
    contact = ContactFactory(ministry=wave("nta-1").rollout.lead_ministry, email="tax@example.go.jp")
    outbox.plan_reminders()
    return contact


def kinds(answer):
    return [each.warning.kind.value for each in answer.context["warnings"]]


def accept(client, **changes):
    row = wave()
    sent = {"kind": "freeze", "subject": "nta-tax-return", "cutover_version": row.cutover_version}
    address = reverse("admin:rollout_wave_accept", args=[row.pk])
    return client.post(address, {**sent, "reason": "庁内で調整済み", **changes})


def said(answer):
    return [str(each) for each in get_messages(answer.wsgi_request)]


def test_warnings_are_shown_before_saving_and_write_nothing(seeded, staff_client):
    before = everything()
    answer = post(staff_client, wave(), cutover=IN_FREEZE, reason=REASON)
    assert kinds(answer) == IN_FREEZE_AND_LATE
    assert "切替日が確定申告期（2027年2月16日〜2027年3月15日）に入っています。" in answer.content.decode()
    assert everything() == before


def test_rollout_page_warns_of_each_of_its_waves(frozen):
    rollout = Rollout.objects.get(code="nta")
    assert kinds(frozen.get(url(rollout))) == IN_FREEZE_AND_LATE
    assert kinds(post(frozen, rollout, waves__0__cutover="R9.3.1", reason=REASON)) == [
        "fiscal_year_end",
        *IN_FREEZE_AND_LATE,
    ]


def test_users_of_the_edit_itself_count_against_the_limit(seeded, staff_client):
    MonthlyLimit.objects.create(from_fiscal_year=2026, users=68_600)
    row = wave()
    assert kinds(post(staff_client, row, cutover="R9.7", reason=REASON)) == []
    answer = post(staff_client, row, cutover="R9.7", users="68601", reason=REASON)
    assert kinds(answer) == ["too_many_users"]


def test_warning_is_accepted_on_the_page_and_stays_there(frozen):
    answer = accept(frozen)
    assert (answer.status_code, answer["Location"], said(answer)[-1]) == (302, url(wave()), ACCEPTED)
    row = WarningAcceptance.objects.get()
    assert (row.reason, row.accepted_by.username) == ("庁内で調整済み", "pmo")
    html = frozen.get(url(wave())).content.decode()
    assert ("承認済み：庁内で調整済み（pmo、" in html, html.count("このまま進める")) == (True, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"reason": ""}, accepting.REASON_NEEDED, id="no reason"),
        pytest.param({"cutover_version": "x"}, accepting.MOVED, id="senseless version"),
        pytest.param({"kind": "\x00"}, accepting.MOVED, id="senseless kind"),
    ],
)
def test_acceptance_is_refused_with_what_to_do(frozen, changes, message):
    assert said(accept(frozen, **changes))[-1] == message
    assert WarningAcceptance.objects.count() == 0


def test_acceptance_is_for_who_may_change_waves(frozen, client, django_user_model):
    client.force_login(django_user_model.objects.create_user("new", is_staff=True))
    assert accept(client).status_code == 403
    assert WarningAcceptance.objects.count() == 0


def test_acceptance_is_posted_and_of_a_wave_that_there_is(frozen):
    assert frozen.get(reverse("admin:rollout_wave_accept", args=[wave().pk])).status_code == 405
    assert frozen.post(reverse("admin:rollout_wave_accept", args=["x"])).status_code == 404


def mails(answer):
    return [
        (sort.title, sort.total, [(mail.rule, mail.whom, mail.address) for mail in sort.rows])
        for sort in answer.context["mails"]
    ]


def test_moved_cutover_shows_the_mails_that_it_cancels_and_creates(told, staff_client):
    save(staff_client, wave(), cutover="R9.5.20", reason=REASON)
    outbox.plan_reminders()
    before = everything(), list(Reminder.objects.order_by("pk").values())
    [cancelled, created] = mails(post(staff_client, wave(), cutover="R9.6.17", reason=REASON))
    assert (cancelled[0], created[0]) == ("取りやめになる通知", "新しく送る通知")
    assert cancelled[2][0] == ("切替の90日前", "主担当（国税庁）", "tax@example.go.jp")
    assert (everything(), list(Reminder.objects.order_by("pk").values())) == before
    save(staff_client, wave(), cutover="R9.6.17", reason=REASON)
    outbox.plan_reminders()
    rows = Reminder.objects.filter(wave=wave())
    last = {"cutover_version": wave().cutover_version}
    assert cancelled[1] == rows.filter(state="cancelled").exclude(cutover_version=1).count()
    assert created[1] == rows.filter(state="planned", **last).count()


def test_addresses_are_for_who_may_see_the_ledger(told, client, django_user_model):
    editor = django_user_model.objects.create_user("editor", is_staff=True)
    names = ["change_wave", "view_wave", "view_rollout"]
    editor.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(editor)
    answer = post(client, wave(), cutover="R9.6.17", reason=REASON)
    assert {address for _, _, rows in mails(answer) for _, _, address in rows} == {""}
    assert "tax@example.go.jp" not in answer.content.decode()


def test_changed_count_moves_no_mail(told, staff_client):
    answer = post(staff_client, wave(), users="60000", reason=REASON)
    assert [(total, rows) for _, total, rows in mails(answer)] == [(0, []), (0, [])]


def test_cohort_has_neither_warnings_nor_mails(seeded, staff_client):
    cohort = wave("mof-1").rollout.cohort
    answer = post(staff_client, cohort, published_users="280000", reason=REASON)
    assert (answer.context["warnings"], answer.context["mails"]) == (None, None)


def test_new_wave_shows_what_it_creates(told, staff_client):
    rollout = Rollout.objects.get(code="nta")
    added = {
        "cutover": "R9.6.17",
        "status": "planned",
        "code": "nta-2",
        "name": "第2陣",
        "users": "",
        "note": "",
    }
    sent = {f"waves__1__{name}": value for name, value in {"rollout": rollout.pk, **added}.items()}
    answer = post(staff_client, rollout, waves__TOTAL_FORMS=2, reason=REASON, **sent)
    [cancelled, created] = mails(answer)
    assert (cancelled[1], created[1] > 0) == (0, True)


def test_yearly_freeze_is_shorter_than_a_year(seeded, staff_client):
    row = FreezePeriod.objects.get()
    sent = edited(staff_client, row, last_day="2028-02-16")
    assert errors(staff_client.post(url(row), sent)) == ["毎年くり返す期間は、1年より短くしてください。"]


def test_freeze_is_changed_with_a_reason_in_its_history(seeded, staff_client):
    row = FreezePeriod.objects.get()
    assert save(staff_client, row, label="確定申告の期間", reason="国税庁からの連絡").status_code == 302
    last = row.history.first()
    assert (last.label, last.history_change_reason) == ("確定申告の期間", "国税庁からの連絡")


def test_freeze_list_says_whose_and_when(seeded, staff_client):
    FreezePeriod.objects.create(code="a", label="更改", first_day="2027-05-01", last_day="2027-05-05")
    html = staff_client.get(reverse("admin:rollout_freezeperiod_changelist")).content.decode()
    for text in ("国税庁", "毎年 2月16日〜3月15日", "全府省庁", "2027-05-01〜2027-05-05"):
        assert text in html


def test_deleted_wave_takes_its_mails_along(told, staff_client):
    rollout = Rollout.objects.get(code="nta")
    WaveFactory(rollout=rollout, code="nta-2", cutover="R9.6.17")
    sent = {"waves__1__DELETE": "on", "reason": REASON}
    [cancelled, created] = mails(post(staff_client, rollout, **sent))
    assert (cancelled[1] > 0, created[1]) == (True, 0)


def test_warnings_of_a_page_ask_the_same_number_of_questions_however_many_waves(told, staff_client):
    rollout, asked = Rollout.objects.get(code="nta"), []
    for _ in range(2):
        WaveFactory.create_batch(3, rollout=rollout, cutover=IN_FREEZE)
        with CaptureQueriesContext(connection) as queries:
            assert len(staff_client.get(url(rollout)).context["warnings"]) > len(asked)
        asked.append(len(queries))
    assert asked[0] == asked[1]
