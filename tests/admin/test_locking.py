"""Two people at one row: the second sees what the first has changed, and loses nothing that was typed."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from rollout.models import Citation, ReminderRule, Rollout, Scenario, Source, Wave
from tests.admin.edits import edited, everything, post_and_confirm, save, url, values_in, wave
from tests.factories import ContactFactory, WaveFactory
from tests.rollout.what_ifs import suppose

pytestmark = pytest.mark.usefixtures("seeded")

WHY = "9月3日 国税庁からの連絡"


@pytest.fixture
def other(django_user_model):
    """A second person, in a browser of their own."""
    client = Client()
    client.force_login(django_user_model.objects.create_superuser("sato"))
    return client


def rollout():
    return Rollout.objects.get(code="nta")


def clash(answer):
    return answer.context.get("clash")


def told(answer):
    """What the other has changed: who, which row, which fields from what to what."""
    return [
        (
            entry["who"].get_username(),
            entry["row"],
            [(change["field"], change["old"], change["new"]) for change in entry["changes"]],
        )
        for entry in clash(answer).entries
    ]


def twice(answer):
    return [(each.label, each.theirs, each.mine) for each in clash(answer).twice]


def test_second_person_sees_what_the_first_has_changed_and_nothing_is_saved(staff_client, other):
    mine = edited(staff_client, wave(), note="説明会は7月", reason=WHY)
    save(other, wave(), cutover="R8.9", reason=WHY)
    before = everything()
    answer = staff_client.post(url(wave()), mine)
    assert told(answer) == [("sato", "国税庁", [("切替", "R8.6~", "R8.9")])]
    assert (twice(answer), everything()) == ([], before)


def test_field_that_was_left_alone_takes_the_others_value_and_what_was_typed_stays(staff_client, other):
    mine = edited(staff_client, wave(), note="説明会は7月", reason=WHY)
    save(other, wave(), cutover="R8.9", reason=WHY)
    shown = values_in(staff_client.post(url(wave()), mine))
    assert (shown["cutover"], shown["note"], shown["reason"]) == ("R8.9", "説明会は7月", WHY)
    assert staff_client.post(url(wave()), shown).status_code == 302
    assert (wave().cutover.text, wave().note) == ("R8.9", "説明会は7月")


def test_field_that_both_changed_is_named_and_keeps_what_was_typed(staff_client, other):
    mine = edited(staff_client, wave(), cutover="R8.10", status="preparing", reason=WHY)
    save(other, wave(), cutover="R8.9", status="migrating", reason=WHY)
    answer = staff_client.post(url(wave()), mine)
    assert sorted(twice(answer)) == [("切替", "R8.9", "R8.10"), ("状態", "移行中", "準備中")]
    post_and_confirm(staff_client, url(wave()), values_in(answer))
    assert (wave().cutover.text, wave().status) == ("R8.10", "preparing")


def test_both_typed_the_same_and_nothing_is_named_twice(staff_client, other):
    mine = edited(staff_client, wave(), note="説明会は7月")
    save(other, wave(), note="説明会は7月")
    assert twice(staff_client.post(url(wave()), mine)) == []


def test_third_change_in_between_is_shown_again(staff_client, other):
    mine = edited(staff_client, wave(), note="説明会は7月")
    save(other, wave(), cutover="R8.9", reason=WHY)
    shown = values_in(staff_client.post(url(wave()), mine))
    save(other, wave(), cutover="R8.10", reason=WHY)
    answer = staff_client.post(url(wave()), shown)
    assert told(answer) == [("sato", "国税庁", [("切替", "R8.9", "R8.10")])]
    assert values_in(answer)["note"] == "説明会は7月"


def test_change_between_the_preview_and_its_confirmation_is_a_clash(staff_client, other):
    asked = staff_client.post(url(wave()), edited(staff_client, wave(), cutover="R8.12", reason=WHY))
    save(other, wave(), note="説明会は7月")
    answer = staff_client.post(
        url(wave()), {**dict(asked.context["carried"]), "_confirmed": asked.context["number"]}
    )
    assert told(answer) == [("sato", "国税庁", [("備考", "（空欄）", "説明会は7月")])]
    assert (wave().cutover.text, values_in(answer)["cutover"]) == ("R8.6~", "R8.12")


def test_change_of_another_row_is_no_clash(staff_client, other):
    mine = edited(staff_client, wave(), note="説明会は7月")
    save(other, wave("isa-1"), note="別の行")
    assert staff_client.post(url(wave()), mine).status_code == 302


@pytest.mark.parametrize("seen", ["", "x", "1-2-3", "²"])
def test_page_that_does_not_say_when_it_was_opened_saves_nothing_and_keeps_what_was_typed(staff_client, seen):
    mine = edited(staff_client, wave(), note="説明会は7月", _seen=seen)
    answer = staff_client.post(url(wave()), mine)
    assert (clash(answer).known, values_in(answer)["note"], wave().note) == (False, "説明会は7月", "")
    assert staff_client.post(url(wave()), values_in(answer)).status_code == 302


def test_row_that_was_deleted_meanwhile_shows_what_was_typed(staff_client, other):
    spare = WaveFactory(rollout=rollout(), code="nta-2", name="第2陣", cutover="R9.6")
    mine = edited(staff_client, spare, note="説明会は7月", reason=WHY)
    other.post(reverse("admin:rollout_wave_delete", args=[spare.pk]), {"post": "yes", "reason": "二重登録"})
    answer = staff_client.post(reverse("admin:rollout_wave_change", args=[spare.pk]), mine)
    assert answer.context["deleted"].history_user.username == "sato"
    typed = dict(answer.context["typed"])
    assert (typed["切替"], typed["備考"], typed["変更理由"]) == ("R9.6", "説明会は7月", WHY)


def test_part_that_the_other_changed_and_one_that_was_typed_are_both_kept(staff_client, other):
    mine = edited(staff_client, rollout(), waves__0__note="説明会は7月", reason=WHY)
    save(other, wave(), cutover="R8.9", reason=WHY)
    answer = staff_client.post(url(rollout()), mine)
    shown = values_in(answer)
    assert (shown["waves-0-cutover"], shown["waves-0-note"]) == ("R8.9", "説明会は7月")
    post_and_confirm(staff_client, url(rollout()), shown)
    assert (wave().cutover.text, wave().note) == ("R8.9", "説明会は7月")


def test_part_that_the_other_added_stays_and_so_does_the_one_that_was_typed(staff_client, other):
    new = {
        "waves-TOTAL_FORMS": 2,
        "waves-1-code": "nta-3",
        "waves-1-name": "第3陣",
        "waves-1-cutover": "R9.7",
    }
    mine = {**edited(staff_client, rollout(), reason=WHY), **new, "waves-1-status": "planned"}
    WaveFactory(rollout=rollout(), code="nta-2", name="第2陣", cutover="R9.6")
    answer = staff_client.post(url(rollout()), mine)
    assert [form["code"].value() for form in answer.context["inline_admin_formsets"][0].formset.forms] == [
        *("nta-1", "nta-2", "nta-3")
    ]
    post_and_confirm(staff_client, url(rollout()), values_in(answer))
    assert list(rollout().waves.order_by("code").values_list("code", flat=True)) == [
        "nta-1",
        "nta-2",
        "nta-3",
    ]


def test_part_that_the_other_deleted_says_what_was_typed_into_it(staff_client, other):
    spare = WaveFactory(rollout=rollout(), code="nta-2", name="第2陣", cutover="R9.6")
    mine = edited(staff_client, rollout(), waves__1__note="説明会は7月", reason=WHY)
    other.post(reverse("admin:rollout_wave_delete", args=[spare.pk]), {"post": "yes", "reason": "二重登録"})
    answer = staff_client.post(url(rollout()), mine)
    assert twice(answer) == [("国税庁 第2陣の備考", "（削除済み）", "説明会は7月")]
    assert values_in(answer)["waves-INITIAL_FORMS"] == "1"
    assert staff_client.post(url(rollout()), values_in(answer)).status_code == 302


def test_part_that_was_to_be_deleted_is_still_to_be_deleted(staff_client, other):
    WaveFactory(rollout=rollout(), code="nta-2", name="第2陣", cutover="R9.6")
    mine = edited(staff_client, rollout(), waves__1__DELETE="on", reason=WHY)
    save(other, wave(), note="別の備考")
    answer = staff_client.post(url(rollout()), mine)
    assert values_in(answer)["waves-1-DELETE"] is True


def test_citation_that_the_other_adopted_is_shown(staff_client, other):
    citation = Citation.objects.filter(rollout__waves__isnull=False, adopted=False).first()
    row = citation.rollout
    mine = edited(staff_client, row, scope="全体")
    citation.note = "確かめた"
    citation.save()
    answer = staff_client.post(url(row), mine)
    [entry] = clash(answer).entries
    assert (entry["who"], [change["field"] for change in entry["changes"]]) == (None, ["備考"])


OTHERS = [
    pytest.param(lambda: Source.objects.first(), {"title": "題名"}, {"publisher": "発行者"}, id="source"),
    pytest.param(
        lambda: ReminderRule.objects.filter(kind="offset").first(),
        {"label": "名前"},
        {"subject": "切替のお知らせ"},
        id="rule",
    ),
    pytest.param(lambda: ContactFactory(), {"name": "田中"}, {"active": None}, id="contact"),
    pytest.param(
        lambda: suppose(("nta", "cutover", "R9.9", "nta-1")),
        {"note": "備考"},
        {"label": "別名"},
        id="what-if",
    ),
]


@pytest.mark.parametrize(("make", "mine", "theirs"), OTHERS)
def test_every_editable_row_is_watched(staff_client, other, make, mine, theirs):
    row = make()
    sent = edited(staff_client, row, **mine)
    other.post(url(row), edited(other, row, **theirs))
    answer = staff_client.post(url(row), sent)
    assert [entry["who"].get_username() for entry in clash(answer).entries] == ["sato"]
    assert staff_client.post(url(row), values_in(answer)).status_code == 302
    row.refresh_from_db()
    for name, value in {**mine, **theirs}.items():
        assert (getattr(row, name) or None) == value


def test_who_may_only_look_gets_no_clash(client, reader):
    scenario = suppose(("nta", "cutover", "R9.9", "nta-1"))
    client.force_login(reader)
    assert client.post(url(scenario), {"label": "x"}).status_code in (302, 403)
    assert Scenario.objects.get().label == scenario.label


def test_clash_takes_as_many_queries_for_one_change_as_for_many(staff_client, other):
    mine = edited(staff_client, wave(), note="説明会は7月")

    def count():
        with CaptureQueriesContext(connection) as queries:
            assert clash(staff_client.post(url(wave()), mine)) is not None
        return len(queries)

    save(other, wave(), note="1")
    count()
    one = count()
    for note in "23456":
        save(other, wave(), note=note)
    assert (count(), Wave.objects.get(code="nta-1").note) == (one, "6")


def test_row_that_somebody_has_just_changed_is_not_deleted_unseen(staff_client):
    row = WaveFactory(rollout=wave().rollout, code="nta-2")
    address = url(row, "delete")
    sent = {"post": "yes", "reason": "誤登録", "_seen": staff_client.get(address).context["seen"]}
    row.note = "残す"
    row.save()
    refused = staff_client.post(address, sent)
    assert (refused["Location"], Wave.objects.filter(pk=row.pk).exists()) == (address, True)
    page = staff_client.get(address)
    assert "まだ何も削除していません" in page.content.decode()
    assert staff_client.post(address, {**sent, "_seen": page.context["seen"]}).status_code == 302
    assert not Wave.objects.filter(pk=row.pk).exists()
