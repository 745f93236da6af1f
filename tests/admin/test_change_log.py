"""The change log of the whole plan: who, when, what from and to, why; filtered, paged, exported."""

import csv
from io import StringIO

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from rollout import actions
from rollout.admin import change_log
from rollout.models import Cohort, Rollout, Wave
from tests.admin.edits import wave
from tests.factories import ContactFactory, MinistryFactory, WaveFactory
from tests.rollout.what_ifs import suppose

pytestmark = pytest.mark.usefixtures("seeded")

LOG = reverse("admin:rollout_changes")
EXPORT = reverse("admin:rollout_changes_csv")


@pytest.fixture
def sato(django_user_model):
    return django_user_model.objects.create_user("sato")


def change(row, actor=None, reason="", **values):
    for name, value in values.items():
        setattr(row, name, value)
    return actions.save_row(row=row, actor=actor, reason=reason)


def entries(client, **chosen):
    return client.get(LOG, chosen).context["entries"]


def told(client, **chosen):
    return [
        (entry["row"], [(each["field"], each["old"], each["new"]) for each in entry["changes"]])
        for entry in entries(client, **chosen)
    ]


def table(client, **chosen):
    answer = client.get(EXPORT, chosen)
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(StringIO(text)))


def test_newest_change_of_any_kind_comes_first(staff_client, sato):
    change(wave(), sato, "国税庁からの連絡", cutover="R8.9")
    change(Rollout.objects.get(code="mof"), sato, users=5_000)
    [rollout, moved] = entries(staff_client, who="sato")
    assert [(each["kind_of_row"], each["row"], each["kind"], each["why"]) for each in (rollout, moved)] == [
        ("導入案件", "財務省", "変更", ""),
        ("移行単位", "国税庁", "変更", "国税庁からの連絡"),
    ]
    assert told(staff_client, who="sato") == [
        ("財務省", [("人数（全体）", "（空欄）", "5,000")]),
        ("国税庁", [("切替", "R8.6~", "R8.9")]),
    ]


FILTERS = [
    pytest.param({"why": "連絡"}, ["国税庁"], id="reason"),
    pytest.param({"who": "SAT"}, ["国税庁", "財務省"], id="who"),
    pytest.param({"who": "sato", "kind": "wave"}, ["国税庁"], id="kind"),
    pytest.param({"who": "sato", "since": "R8.11.23", "until": "R8.11"}, ["国税庁", "財務省"], id="period"),
    pytest.param({"who": "sato", "until": "R8.11.22"}, [], id="before"),
    pytest.param({"who": "sato", "since": "2026-11-24"}, [], id="after"),
]


@pytest.mark.parametrize(("chosen", "rows"), FILTERS)
def test_log_is_narrowed(staff_client, sato, chosen, rows):
    change(Rollout.objects.get(code="mof"), sato, users=5_000)
    change(wave(), sato, "国税庁からの連絡", cutover="R8.9")
    assert [entry["row"] for entry in entries(staff_client, **chosen)] == rows


def test_log_of_a_ministry_has_all_that_concerns_it(staff_client, sato):
    ministry = wave().rollout.lead_ministry
    change(ministry, sato, aliases="国税")
    change(wave(), sato, cutover="R8.9", reason="連絡")
    change(ContactFactory.build(ministry=ministry), sato)
    change(ContactFactory.build(ministry=MinistryFactory()), sato)
    change(wave("mof-1"), sato, cutover="R9.9", reason="連絡")
    found = entries(staff_client, who="sato", ministry=ministry.pk)
    assert [entry["kind_of_row"] for entry in found] == ["連絡先", "移行単位", "府省庁"]


@pytest.mark.parametrize("chosen", [{"since": "いつか"}, {"kind": "user"}, {"ministry": "x"}])
def test_senseless_filter_is_said_and_nothing_is_listed(staff_client, chosen):
    for address in (LOG, EXPORT):
        context = staff_client.get(address, chosen).context
        assert (list(context["form"].errors), "entries" in context) == (list(chosen), False)


def test_pages_follow_one_another_without_gap_or_repeat(staff_client, sato, monkeypatch):
    monkeypatch.setattr(change_log, "PAGE", 3)
    for number in range(4):
        change(wave(), sato, note=str(number))
        change(wave("isa-1"), sato, note=str(number))
    whole, after = [], ""
    for _ in range(3):
        context = staff_client.get(LOG, {"who": "sato", "after": str(after)}).context
        whole += [(entry["row"], entry["changes"][0]["new"]) for entry in context["entries"]]
        after = context["after"]
    assert after is None
    names = ("出入国在留管理庁", "国税庁")
    assert whole == [(name, str(number)) for number in (3, 2, 1, 0) for name in names]


@pytest.mark.parametrize("after", ["x", "2026_1_1", "_", "2026-11-23T00:00:00+09:00_x_1", "9999-99-99_1_1"])
def test_senseless_place_is_the_beginning(staff_client, sato, after):
    change(wave(), sato, note="1")
    assert [entry["row"] for entry in entries(staff_client, who="sato", after=after)] == ["国税庁"]


def test_changes_of_one_moment_are_split_between_pages(staff_client, sato, monkeypatch):
    monkeypatch.setattr(change_log, "PAGE", 1)
    change(wave(), sato, note="1")
    change(Rollout.objects.get(code="mof"), sato, users=5_000)
    moment = Wave.history.first().history_date
    Rollout.history.filter(history_user=sato).update(history_date=moment)
    first = staff_client.get(LOG, {"who": "sato"}).context
    second = staff_client.get(LOG, {"who": "sato", "after": str(first["after"])}).context
    assert {first["entries"][0]["row"], second["entries"][0]["row"]} == {"国税庁", "財務省"}
    assert second["after"] is None


def test_export_has_a_line_for_each_field_as_the_filter_leaves_it(staff_client, sato):
    change(wave(), sato, "=1+1", cutover="R8.9", note="説明会は7月")
    [headings, *lines] = table(staff_client, who="sato")
    assert headings == list(change_log.HEADINGS)
    assert [line[1:9] for line in lines] == [
        ["sato", "移行単位", "国税庁", "変更", "切替", "R8.6~", "R8.9", "'=1+1"],
        ["sato", "移行単位", "国税庁", "変更", "備考", "（空欄）", "説明会は7月", "'=1+1"],
    ]


def test_export_goes_through_all_pages(staff_client, sato, monkeypatch):
    monkeypatch.setattr(change_log, "BATCH", 2)
    for number in range(5):
        change(wave(), sato, note=str(number))
    assert [line[7] for line in table(staff_client, who="sato")[1:]] == ["4", "3", "2", "1", "0"]


def test_people_are_told_of_to_who_may_see_them_alone(client, django_user_model, sato):
    change(ContactFactory.build(ministry=MinistryFactory(), email="secret@example.go.jp"), sato)
    person = django_user_model.objects.create_user("clerk", is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="view_wave"))
    client.force_login(person)
    assert entries(client, who="sato") == []
    assert "secret@" not in client.get(LOG).content.decode()
    assert client.get(LOG, {"kind": "contact"}).context["form"].has_error("kind")


def test_log_is_for_who_may_see_something(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("new", is_staff=True))
    assert [client.get(address).status_code for address in (LOG, EXPORT)] == [403, 403]


def test_deleted_row_can_be_added_again_from_the_log(staff_client, sato):
    spare = WaveFactory(rollout=Rollout.objects.get(code="nta"), code="nta-2", name="第2陣", cutover="R9.6")
    actions.delete_row(row=spare, actor=sato, reason="二重登録")
    [entry] = entries(staff_client, who="sato")
    answer = staff_client.get(entry["again"])
    initial = answer.context["adminform"].form.initial
    assert (initial["code"], initial["cutover"].text, initial["name"]) == ("nta-2", "R9.6", "第2陣")


def test_row_leads_to_its_history(staff_client, sato):
    change(wave(), sato, note="1")
    [entry] = entries(staff_client, who="sato")
    assert staff_client.get(entry["history"]).status_code == 200


def test_scenario_is_in_the_log_too(staff_client):
    suppose(("nta", "cutover", "R9.9", "nta-1"))
    assert {entry["kind_of_row"] for entry in entries(staff_client)[:2]} == {"試算", "試算の変更点"}


def add(number, sato):
    change(WaveFactory.build(rollout=Rollout.objects.get(code="nta"), code=f"new-{number}"), sato)


def add_and_delete(number, sato):
    add(number, sato)
    actions.delete_row(row=Wave.objects.get(code=f"new-{number}"), actor=sato, reason="")


def regroup(number, sato):
    for cohort in Cohort.objects.all()[:2]:
        change(Rollout.objects.get(code="mof"), sato, cohort=cohort)


def edit(number, sato):
    change(wave(), sato, note=str(number))


@pytest.mark.parametrize("do", [edit, add, add_and_delete, regroup])
def test_log_takes_as_many_queries_for_one_change_as_for_many(staff_client, sato, do):
    def count():
        with CaptureQueriesContext(connection) as queries:
            staff_client.get(LOG, {"who": "sato"})
        return len(queries)

    do(0, sato)
    count()
    one = count()
    for number in range(1, 10):
        do(number, sato)
    assert count() <= one
