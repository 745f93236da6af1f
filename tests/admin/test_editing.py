"""Edits in the admin: bad input is refused in Japanese and changes nothing; good input is one action."""

import re

import pytest
from django.db import connection
from django.urls import reverse

from ministries.models import Contact, Ministry
from rollout.domain.plan import Basis
from rollout.models import Citation, Cohort, Projection, Rollout, Target, Wave
from tests.admin.edits import (
    REASON,
    errors,
    everything,
    history_count,
    post,
    post_and_confirm,
    save,
    url,
    values_of,
    wave,
)
from tests.admin.test_pages import fill_ledger
from tests.conftest import SEED_NOW

REASON_MISSING = "切替・人数・状態を変えるときは、変更理由を書いてください。"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"cutover": "R8.13"}, "「R8.13」：月は1〜12です（13はありません）。", id="month 13"),
        pytest.param(
            {"cutover": "R0.1"}, "「R0.1」：令和は元年（R1）から始まります。0年はありません。", id="year 0"
        ),
        pytest.param(
            {"cutover": "令和元年4月30日"},
            "「令和元年4月30日」：令和は2019年5月1日からです。正しくは「平成31年4月30日」です。",
            id="before the era",
        ),
        pytest.param(
            {"status": "in_use"},
            "「利用中」にするときは、実際に利用を始めた日を「R8.6.15」のように日まで入力してください。",
            id="in use without a day",
        ),
        pytest.param(
            {"status": "in_use", "cutover": "R8.12.1"},
            "「利用中」にするときの利用開始日は、今日までの日付にしてください。",
            id="in use in the future",
        ),
        pytest.param({"users": "-1"}, "この値は 0 以上でなければなりません。", id="negative users"),
        pytest.param({"users": "99999999"}, "この値は 10000000 以下でなければなりません。", id="huge users"),
        pytest.param(
            {"users": "9" * 40}, "この値は 10000000 以下でなければなりません。", id="monstrous users"
        ),
        pytest.param({"users": "約5千"}, "整数を入力してください。", id="users in words"),
    ],
)
@pytest.mark.parametrize("inline", [False, True], ids=["wave page", "rollout page"])
def test_bad_wave_is_refused_and_changes_nothing(seeded, staff_client, change, message, inline):
    row = wave().rollout if inline else wave()
    prefix = "waves__0__" if inline else ""
    before = everything()
    answer = post(
        staff_client, row, reason=REASON, **{prefix + name: value for name, value in change.items()}
    )
    assert (answer.status_code, errors(answer)) == (200, [message])
    assert everything() == before


def test_wave_in_use_keeps_a_day(seeded, staff_client):
    before = everything()
    answer = post(staff_client, wave("npa-1"), cutover="検討中", reason=REASON)
    assert errors(answer) == ["利用中にするには、切替の日が必要です。"]
    assert everything() == before


def cohort(code="fy2026"):
    return Cohort.objects.get(code=code)


@pytest.mark.parametrize(
    ("find", "change", "message"),
    [
        pytest.param(
            lambda: Cohort.objects.get(order=3),
            lambda row: {"inside": row.pk},
            "上位の区分をたどると自分自身に戻ります。",
            id="cohort inside itself",
        ),
        pytest.param(
            lambda: Ministry.objects.get(name="国税庁"),
            lambda row: {"corporate_number": "1000012010038"},
            "法人番号の検査数字（先頭の桁）が合いません。この12桁なら先頭は8です。",
            id="check digit",
        ),
        pytest.param(
            lambda: Target.objects.first(),
            lambda row: {"users": 1},
            REASON_MISSING,
            id="target without a reason",
        ),
        pytest.param(
            lambda: Cohort.objects.get(order=1),
            lambda row: {"published_users": 1},
            REASON_MISSING,
            id="published total without a reason",
        ),
    ],
)
def test_bad_row_is_refused_and_changes_nothing(seeded, staff_client, find, change, message):
    row, before = find(), everything()
    answer = post(staff_client, row, **change(row))
    assert (answer.status_code, errors(answer)) == (200, [message])
    assert everything() == before


def test_observation_without_an_end_is_refused(seeded, staff_client):
    before = everything()
    answer = staff_client.post(
        reverse("admin:rollout_observation_add"),
        {"as_of": "R8.6以降", "users": 1, "source": Target.objects.first().source_id},
    )
    assert errors(answer) == ["時点は「2024-06」「R6.6.19」のように、終わりのある期間で入力してください。"]
    assert everything() == before


@pytest.mark.parametrize("inline", [False, True], ids=["wave page", "rollout page"])
def test_moving_a_wave_without_a_reason_is_refused(seeded, staff_client, inline):
    row = wave().rollout if inline else wave()
    before = everything()
    answer = post(staff_client, row, **{"waves__0__cutover" if inline else "cutover": "R8.9"})
    below = "移行単位の切替・人数・状態を変えるときは、下の「変更理由」を書いてください。"
    assert errors(answer) == [REASON_MISSING, below][: 1 + inline]
    assert everything() == before


def test_two_adopted_citations_are_refused(seeded, staff_client):
    row = wave().rollout
    source = Citation.objects.exclude(rollout=row).first().source_id
    added = {
        "source": source,
        "subject": "cutover",
        "text": "別の資料",
        "locator": "2頁",
        "adopted": "on",
        "rollout": row.pk,
    }
    total = row.citations.count()
    changes = {f"citations__{total}__{name}": value for name, value in added.items()}
    before = everything()
    answer = post(staff_client, row, citations__TOTAL_FORMS=total + 1, **changes)
    assert errors(answer) == ["「切替」で採用する引用は1つだけ選んでください。"]
    assert everything() == before


def test_one_ministry_twice_is_refused(seeded, staff_client):
    row, before = wave().rollout, everything()
    changes = {f"coverages__{index}__ministry": Ministry.objects.first().pk for index in (0, 1)}
    changes |= {f"coverages__{index}__rollout": row.pk for index in (0, 1)}
    answer = post(staff_client, row, coverages__TOTAL_FORMS=2, **changes)
    assert "同じ府省庁の行が2つあります。1つにしてください。" in errors(answer)
    assert everything() == before


def test_one_address_twice_is_refused(seeded, staff_client):
    row, before = Ministry.objects.get(name="国税庁"), everything()
    changes = {"contacts__TOTAL_FORMS": 2}
    for index, address in enumerate(["a@example.go.jp", "A@example.go.jp"]):
        contact = {"name": "担当", "email": address, "role": "lead", "active": "on", "ministry": row.pk}
        changes |= {f"contacts__{index}__{name}": value for name, value in contact.items()}
    answer = post(staff_client, row, **changes)
    assert errors(answer) == ["メールアドレス a@example.go.jp が2回入力されています。1行にまとめてください。"]
    assert everything() == before


@pytest.mark.parametrize("inline", [False, True], ids=["wave page", "rollout page"])
def test_moving_a_wave_is_one_version_with_who_and_why(
    seeded, staff_client, django_capture_on_commit_callbacks, settings, inline
):
    settings.REDIS_URL = ""  # no worker beside a test: what follows a change runs here
    row, before = wave().rollout if inline else wave(), history_count()
    connection.run_on_commit.clear()  # what loading the fixtures left: the test's transaction never commits
    with django_capture_on_commit_callbacks(execute=True):
        change = {"waves__0__cutover" if inline else "cutover": "R8.9"}
        assert save(staff_client, row, reason=REASON, **change).status_code == 302
    assert history_count() == {**before, "Wave": before["Wave"] + 1}
    version = wave().history.first()
    assert (version.history_user.username, version.history_change_reason) == ("pmo", REASON)
    assert (wave().cutover.text, wave().cutover_version) == ("R8.9", 2)
    curve = Projection.objects.current(Basis.CUMULATIVE, SEED_NOW.date()).curve
    users = [curve.at(2026 * 12 + month - 1).cumulative for month in (5, 6, 8, 9)]
    assert users == [72_000, 72_589, 76_712, 145_312]


def test_saving_a_page_unchanged_writes_no_version(seeded, staff_client):
    before = everything()
    rows = [wave(), wave().rollout, Cohort.objects.first(), Ministry.objects.get(name="国税庁")]
    assert [post(staff_client, row, reason="見ただけ").status_code for row in rows] == [302] * 4
    assert everything() == before


def test_respelling_a_period_keeps_the_cutover_version(seeded, staff_client):
    assert post(staff_client, wave(), cutover="令和８年６月〜", reason="表記").status_code == 302
    assert (wave().cutover.text, wave().cutover_version) == ("令和８年６月〜", 1)


def test_confirming_use_takes_the_actual_day(seeded, staff_client):
    answer = save(staff_client, wave(), status="in_use", cutover="R8.6.15", reason="利用開始確認")
    assert (answer.status_code, wave().status, wave().cutover.text) == (302, "in_use", "R8.6.15")


def test_adopted_citation_is_exchanged_in_one_go(seeded, staff_client):
    row = wave().rollout
    old = row.citations.get(subject="cutover")
    other = Citation.objects.exclude(source=old.source).first().source
    new = row.citations.create(source=other, subject="cutover", text="R8.9")
    sent = values_of(staff_client, row)
    forms = {
        sent[name]: name.removesuffix("-id")
        for name in sent
        if name.startswith("citations-") and name.endswith("-id")
    }
    sent[f"{forms[new.pk]}-adopted"] = "on"
    del sent[f"{forms[old.pk]}-adopted"]
    assert staff_client.post(url(row), sent).status_code == 302
    assert list(row.citations.filter(subject="cutover", adopted=True)) == [new]


def test_corporate_number_is_read_as_people_paste_it(seeded, staff_client):
    row = Ministry.objects.get(name="国税庁")
    Ministry.objects.filter(corporate_number="8000012010038").update(corporate_number="")
    assert post(staff_client, row, corporate_number="８０００－０１２０ 10038").status_code == 302
    row.refresh_from_db()
    assert row.corporate_number == "8000012010038"


def test_new_rollout_comes_with_its_first_wave(seeded, staff_client):
    prefixes = {"waves": 1, "coverages": 0, "citations": 0}
    sent = {f"{prefix}-TOTAL_FORMS": count for prefix, count in prefixes.items()}
    sent |= {f"{prefix}-INITIAL_FORMS": 0 for prefix in prefixes}
    ministry = Ministry.objects.get(name="国土交通省").pk
    sent |= {"code": "npolice", "cohort": Cohort.objects.first().pk, "order": 9, "lead_ministry": ministry}
    empty = staff_client.post(reverse("admin:rollout_rollout_add"), {**sent, "waves-TOTAL_FORMS": 0})
    assert errors(empty) == [
        "導入案件には移行単位が1つ以上必要です。やめる場合は状態を「中止」にしてください。"
    ]
    sent |= {"waves-0-code": "npolice-1", "waves-0-cutover": "R9年度", "waves-0-status": "planned"}
    answer = post_and_confirm(staff_client, reverse("admin:rollout_rollout_add"), sent)
    assert answer.status_code == 302
    assert [str(each.cutover.latest) for each in Rollout.objects.get(code="npolice").waves.all()] == [
        "2028-03-31"
    ]


def delete(client, row, **values):
    return client.post(url(row, "delete"), {"post": "yes", **values})


def test_last_wave_is_not_deleted(seeded, staff_client):
    before = everything()
    answers = [
        delete(staff_client, wave(), reason=REASON),
        post(staff_client, wave().rollout, waves__0__DELETE="on", reason=REASON),
        staff_client.post(
            reverse("admin:rollout_wave_changelist"),
            {"action": "delete_selected", "_selected_action": [wave().pk], "post": "yes"},
        ),
    ]
    for answer in answers:
        assert "導入案件には移行単位が1つ以上必要です。" in answer.content.decode()
    assert everything() == before


def test_only_wave_is_replaced_in_one_go(seeded, staff_client):
    row = wave().rollout
    added = {"code": "nta-2", "cutover": "R9.1", "status": "planned", "rollout": row.pk}
    changes = {f"waves__1__{name}": value for name, value in added.items()}
    answer = save(staff_client, row, waves__TOTAL_FORMS=2, waves__0__DELETE="on", reason=REASON, **changes)
    assert (answer.status_code, [each.code for each in row.waves.all()]) == (302, ["nta-2"])


def test_deleting_a_rollout_takes_its_parts_and_says_why(seeded, staff_client):
    row, key = wave().rollout, wave().pk
    assert delete(staff_client, row, reason="誤登録").status_code == 302
    assert not Wave.objects.filter(pk=key).exists()
    versions = [Rollout.history.filter(id=row.pk).first(), Wave.history.filter(id=key).first()]
    said = [(each.history_type, each.history_user.username, each.history_change_reason) for each in versions]
    assert said == [("-", "pmo", "誤登録")] * 2


FORBIDDEN = (
    "「出入国在留管理庁」は削除できません。次のものが関係していて、記録として残すか、削除する権限がありません。"
    "移行を取りやめるときは、削除せずに、移行単位の状態を「中止」にしてください。"
)


def test_rollout_with_reminders_on_record_is_not_deleted_and_says_what_to_do(seeded, staff_client):
    fill_ledger()
    rows = [Rollout.objects.get(code="isa"), Wave.objects.get(code="isa-1")]
    pages = [staff_client.get(url(row, "delete")).content.decode() for row in rows]
    assert [re.findall(r"<p>(「.*?)</p>", html) for html in pages] == [[FORBIDDEN]] * 2


def test_row_that_others_need_is_not_deleted(seeded, staff_client):
    before = everything()
    answer = delete(staff_client, Cohort.objects.first(), reason=REASON)
    assert "は削除できません。" in answer.content.decode()
    assert everything() == before


def test_rollout_history_tells_what_was_moved_by_whom_and_why(seeded, staff_client):
    row = wave().rollout
    save(staff_client, row, waves__0__cutover="R8.9", reason=REASON)
    entry = staff_client.get(url(row, "history")).context["page"].object_list[0]
    assert (entry["kind_of_row"], entry["kind"], str(entry["who"]), entry["why"]) == (
        "移行単位",
        "変更",
        "pmo",
        REASON,
    )
    assert entry["changes"] == [{"field": "切替", "old": "R8.6~", "new": "R8.9"}]


def test_history_hides_contacts_from_who_may_not_see_them(seeded, client, django_user_model):
    ministry = Ministry.objects.get(name="国税庁")
    Contact.objects.create(ministry=ministry, name="秘密の担当", email="secret@example.go.jp")
    clerk = django_user_model.objects.create_user("clerk", is_staff=True)
    permission = django_user_model.user_permissions.field.related_model
    clerk.user_permissions.set(permission.objects.filter(codename="view_ministry"))
    client.force_login(clerk)
    html = client.get(url(ministry, "history")).content.decode()
    assert ("データの読み込み" in html, "秘密の担当" in html) == (True, False)


def test_history_page_offers_no_way_to_change_it(seeded, staff_client):
    html = staff_client.get(url(wave(), "history")).content.decode()
    assert html.count('method="post"') == 1  # signing out
    assert staff_client.get(f"{url(wave(), 'history')}{wave().history.first().pk}/").status_code == 302


def test_deletion_without_a_reason_is_refused_and_deletes_nothing(seeded, staff_client):
    before = everything()
    answer = delete(staff_client, Rollout.objects.get(code="isa"))
    assert (answer.status_code, everything() == before) == (302, True)
    page = staff_client.get(answer.url).content.decode()
    assert "削除するときは、変更理由を書いてください。まだ何も削除していません。" in page


def test_new_target_is_of_all_users_so_far_unless_it_says_otherwise(seeded, staff_client):
    form = staff_client.get(reverse("admin:rollout_target_add")).context["adminform"].form
    assert form["reading"].value() == "running_total"
