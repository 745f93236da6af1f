"""An edit that moves the figures is shown before it is saved; until it is confirmed, nothing happens."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.db import connection
from django.urls import reverse

from rollout.models import Cohort, Rollout, Source, Wave
from tests.admin.edits import (
    REASON,
    confirm,
    edited,
    errors,
    everything,
    is_confirmation,
    post,
    save,
    url,
    values_in,
    wave,
)
from tests.factories import WaveFactory


def rollout(code="nta"):
    return Rollout.objects.get(code=code)


def counts(answer):
    return [(row.rollout, row.before, row.after, row.difference) for row in answer.context["impact"].counts]


def years(answer):
    rows = answer.context["impact"].years
    return {row.label: (row.before, row.after, row.difference) for row in rows if row.changed}


def told(answer):
    """What the confirmation page says is changed."""
    return [
        (entry["kind_of_row"], entry["kind"], [(each["field"], each["new"]) for each in entry["changes"]])
        for entry in reversed(answer.context["entries"])
    ]


def added_wave(row, **values):
    return {
        "waves__TOTAL_FORMS": 2,
        **{f"waves__1__{name}": value for name, value in {"rollout": row.pk, **values}.items()},
    }


EDITS = [
    pytest.param(wave, {"cutover": "R8.9", "reason": REASON}, id="cutover"),
    pytest.param(wave, {"users": "60000", "reason": REASON}, id="users of a wave"),
    pytest.param(wave, {"status": "cancelled", "reason": REASON}, id="status"),
    pytest.param(rollout, {"users": "70000", "reason": REASON}, id="users of a rollout"),
    pytest.param(lambda: rollout("isa"), {"weight": "9999"}, id="weight"),
    pytest.param(rollout, {"waves__0__cutover": "R8.9", "reason": REASON}, id="cutover of a part"),
    pytest.param(
        lambda: Cohort.objects.get(code="fy2026"),
        {"published_users": "90000", "reason": REASON},
        id="published total",
    ),
    pytest.param(lambda: Cohort.objects.get(order=2), {"reading": "running_total"}, id="reading"),
]


@pytest.mark.parametrize(("find", "changes"), EDITS)
def test_nothing_happens_until_it_is_confirmed(
    seeded, staff_client, django_capture_on_commit_callbacks, find, changes
):
    row, before = find(), everything()
    sent = edited(staff_client, row, **changes)
    with django_capture_on_commit_callbacks() as callbacks:
        answer = staff_client.post(url(row), sent)
    assert is_confirmation(answer)
    assert (callbacks, connection.run_on_commit) == ([], [])
    assert (everything(), LogEntry.objects.count()) == (before, 0)
    assert [*get_messages(answer.wsgi_request)] == []
    answer = confirm(staff_client, url(row), answer)
    assert (answer.status_code, LogEntry.objects.count()) == (302, 1)
    assert everything()[0] != before[0]


@pytest.mark.parametrize(
    ("find", "changes"),
    [
        pytest.param(wave, {"note": "備考"}, id="note"),
        pytest.param(wave, {"cutover": "令和８年６月〜", "reason": "表記"}, id="another spelling"),
        pytest.param(wave, {"status": "preparing", "reason": "準備開始"}, id="status that counts alike"),
        pytest.param(rollout, {"scope": "全体"}, id="scope"),
        pytest.param(lambda: Cohort.objects.get(code="fy2026"), {"label": "名称"}, id="label"),
    ],
)
def test_edit_that_moves_no_figure_is_saved_at_once(seeded, staff_client, find, changes):
    assert post(staff_client, find(), **changes).status_code == 302
    assert LogEntry.objects.count() == 1


def test_errors_come_before_any_confirmation(seeded, staff_client):
    before = everything()
    answer = post(staff_client, wave(), cutover="R8.13", reason=REASON)
    assert (answer.status_code, is_confirmation(answer), len(errors(answer))) == (200, False, 1)
    assert everything() == before


@pytest.mark.parametrize("confirmed", ["", "x", "0", "999999", "1 OR 1=1"])
def test_made_up_confirmation_saves_nothing(seeded, staff_client, confirmed):
    before = everything()
    answer = post(staff_client, wave(), cutover="R8.9", reason=REASON, _confirmed=confirmed)
    assert (is_confirmation(answer), answer.context["moved_on"]) == (True, True)
    assert everything() == before


def test_plan_that_changed_in_between_is_shown_anew(seeded, staff_client):
    row = rollout()
    answer = post(staff_client, row, users="70000", reason=REASON)
    assert counts(answer)[1] == ("経済産業省", "4,123人（按分）", "3,617人（按分）", "−506")
    assert answer.context["moved_on"] is False
    save(staff_client, Rollout.objects.get(code="meti"), users="5000", reason="経産省からの連絡")
    before = everything()
    answer = confirm(staff_client, url(row), answer)
    assert (is_confirmation(answer), answer.context["moved_on"]) == (True, True)
    assert "ほかの変更が保存されました" in answer.content.decode()
    assert "経済産業省" not in [code for code, *_ in counts(answer)]
    assert everything() == before
    assert confirm(staff_client, url(row), answer).status_code == 302
    assert rollout().users == 70_000


def test_plan_that_changed_in_between_may_make_the_edit_wrong(seeded, staff_client):
    row = rollout()
    second = {"code": "nta-2", "cutover": "R9.1", "status": "planned"}
    answer = post(staff_client, row, reason=REASON, **added_wave(row, **second))
    assert is_confirmation(answer)
    WaveFactory(code="nta-2")
    before = everything()
    answer = confirm(staff_client, url(row), answer)
    assert errors(answer) == ["この コード を持った 移行単位 が既に存在します。"]
    assert everything() == before


def test_going_back_shows_the_form_as_it_was_filled_in(seeded, staff_client):
    row, before = rollout(), everything()
    second = {"code": "nta-2", "cutover": "R9.1", "status": "planned"}
    sent = edited(staff_client, row, users="70000", reason=REASON, **added_wave(row, **second))
    answer = staff_client.post(url(row), {**sent, "_continue": "保存"})
    answer = confirm(staff_client, url(row), answer, _back="入力に戻る")
    assert (answer.status_code, is_confirmation(answer), errors(answer)) == (200, False, [])
    again = {name: str(value) for name, value in values_in(answer).items()}
    assert {name: again.get(name) for name in sent} == {name: str(value) for name, value in sent.items()}
    assert (everything(), LogEntry.objects.count()) == (before, 0)


def test_going_back_finds_a_source_by_typing_as_before(seeded, staff_client):
    answer = post(staff_client, wave(), cutover="R8.9", reason=REASON)
    back = confirm(staff_client, url(wave()), answer, _back="入力に戻る")
    widget = back.context["adminform"].form.fields["evidence_source"].widget
    assert (type(widget.widget).__name__, widget.can_add_related) == ("SourceSelect", True)


def test_button_that_was_pressed_is_remembered(seeded, staff_client):
    sent = edited(staff_client, wave(), cutover="R8.9", reason=REASON, _continue="保存して編集を続ける")
    answer = staff_client.post(url(wave()), sent)
    assert confirm(staff_client, url(wave()), answer).headers["Location"] == url(wave())


def test_page_says_what_changes_why_and_what_it_does_to_the_others(seeded, staff_client):
    answer = post(staff_client, rollout(), users="70000", reason=REASON)
    assert told(answer) == [("導入案件", "変更", [("人数（全体）", "70,000")])]
    assert (answer.context["reason"], years(answer)) == (REASON, {})
    assert (answer.context["impact"].total_moves, answer.context["impact"].months) == (False, "R8.6〜R8.12")
    assert counts(answer) == [
        ("国税庁", "68,600人（公表・確認）", "70,000人（公表・確認）", "+1,400"),
        ("経済産業省", "4,123人（按分）", "3,617人（按分）", "−506"),
        ("出入国在留管理庁", "3,344人（按分）", "2,933人（按分）", "−411"),
        ("財務局", "3,344人（按分）", "2,933人（按分）", "−411"),
        ("原子力規制庁", "589人（按分）", "517人（按分）", "−72"),
    ]


def test_page_shows_the_fiscal_years_that_move(seeded, staff_client):
    answer = post(staff_client, wave(), cutover="R9.6", reason=REASON)
    assert years(answer) == {"R8年度": ("152,000", "83,400", "−68,600")}
    assert [(row.rollout, row.cause, row.users) for row in answer.context["impact"].movers] == [
        ("国税庁", "日程の変更", "−68,600")
    ]
    assert counts(answer) == []


def test_page_says_what_no_longer_fits_what_was_published(seeded, staff_client):
    answer = post(staff_client, rollout(), users="90000", reason=REASON)
    assert answer.context["impact"].conflicts == ["fy2026：内訳の合計が公表値を超えています（10,000人）"]


def test_cancelled_rollout_has_no_users_any_more(seeded, staff_client):
    answer = post(staff_client, wave(), status="cancelled", reason=REASON)
    assert counts(answer) == [("国税庁", "68,600人（公表・確認）", "—", "−68,600")]


def test_page_tells_of_parts_that_are_added_and_deleted(seeded, staff_client):
    row = rollout()
    second = {"code": "nta-2", "name": "第2陣", "cutover": "R9.9", "status": "planned", "users": "0"}
    answer = post(staff_client, row, waves__0__DELETE="on", reason=REASON, **added_wave(row, **second))
    assert told(answer) == [
        (
            "移行単位",
            "追加",
            [
                ("導入案件", "国税庁"),
                ("コード", "nta-2"),
                ("名称", "第2陣"),
                ("切替", "R9.9"),
                ("人数", "0"),
                ("状態", "予定"),
            ],
        ),
        ("移行単位", "削除", []),
    ]
    assert [each.code for each in row.waves.all()] == ["nta-1"]
    assert confirm(staff_client, url(row), answer).status_code == 302
    assert [each.code for each in row.waves.all()] == ["nta-2"]


def test_new_wave_is_shown_first_and_takes_the_next_number_after(seeded, staff_client):
    address = reverse("admin:rollout_wave_add")
    sent = {"rollout": rollout().pk, "code": "nta-2", "cutover": "R9.9", "status": "planned", "users": "1000"}
    for _ in range(2):
        answer = staff_client.post(address, sent)
        assert is_confirmation(answer)
    assert not Wave.objects.filter(code="nta-2").exists()
    assert confirm(staff_client, address, answer).status_code == 302
    made = Wave.objects.get(code="nta-2")
    assert (made.history.count(), made.pk > wave().pk) == (1, True)
    WaveFactory(rollout=rollout(), code="nta-3")


def test_popup_stays_a_popup(seeded, staff_client):
    sent = edited(staff_client, wave(), cutover="R8.9", reason=REASON, _popup="1")
    answer = staff_client.post(url(wave()), sent)
    assert (answer.context["is_popup"], "ログアウト" in answer.content.decode()) == (True, False)
    assert "data-popup-response" in confirm(staff_client, url(wave()), answer).content.decode()


def test_what_was_typed_is_escaped(seeded, staff_client):
    answer = post(staff_client, wave(), cutover="R8.9", reason='"><script>x()</script>', name="<i>")
    html = answer.content.decode()
    assert ("<script>x()" in html, "<i>" in html, "&lt;script&gt;x()" in html) == (False, False, True)


def test_who_may_not_change_a_wave_gets_no_confirmation(seeded, client, django_user_model):
    clerk = django_user_model.objects.create_user("clerk", is_staff=True)
    permission = django_user_model.user_permissions.field.related_model
    clerk.user_permissions.set(permission.objects.filter(codename="view_wave"))
    client.force_login(clerk)
    before = everything()
    sent = {"cutover": "R8.9", "status": "planned", "code": "nta-1", "reason": REASON}
    assert client.post(url(wave()), sent).status_code == 403
    assert everything() == before


def test_deletion_page_shows_what_it_does_and_does_nothing(seeded, staff_client):
    before = everything()
    answer = staff_client.get(url(rollout("isa"), "delete"))
    assert '<input type="submit" value="削除する">' in answer.content.decode()
    assert counts(answer) == [
        ("出入国在留管理庁", "3,344人（按分）", "—", "−3,344"),
        ("経済産業省", "4,123人（按分）", "6,650人（按分）", "+2,527"),
        ("財務局", "3,344人（按分）", "3,800人（按分）", "+456"),
        ("原子力規制庁", "589人（按分）", "950人（按分）", "+361"),
    ]
    assert (everything(), connection.run_on_commit) == (before, [])


def test_deletion_page_of_what_stays_shows_no_impact(seeded, staff_client):
    answers = [staff_client.get(url(row, "delete")) for row in (wave(), Cohort.objects.get(code="fy2026"))]
    assert [answer.context["impact"] for answer in answers] == [None, None]
    assert "impact" not in staff_client.get(url(Source.objects.first(), "delete")).context
