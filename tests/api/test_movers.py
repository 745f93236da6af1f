"""What moved the figure between two moments."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ministries.models import Ministry
from rollout import actions
from rollout.models import Citation, Cohort, Rollout, Wave
from tests.api.edits import EDITS, change, move
from tests.factories import BaselineFactory, SourceFactory, WaveFactory

BEFORE = "2026-11-22"


@pytest.fixture
def clerk(django_user_model):
    return django_user_model.objects.create_user("sato")


@pytest.mark.parametrize(
    ("query", "name", "message"),
    [
        ("baseline=nothing", "baseline", "「nothing」というコードの基準計画はありません。"),
        ("from=2026-11-23&to=2026-11-20", "to", "「to」は「from」より後の時点を指定してください。"),
        (
            f"from={BEFORE}&month=R8",
            "month",
            "「R8」は月ではありません。「2027-03」のように指定してください。",
        ),
        (f"from={BEFORE}&month=2027-03~", "month", None),
        (f"from={BEFORE}&month=2027-13", "month", None),
    ],
)
def test_comparison_that_cannot_be_made_is_refused(get, clock, query, name, message):
    errors = get(f"projection/movers/?{query}", status=400)["errors"]
    assert list(errors) == [name]
    assert message is None or errors[name] == [message]


@pytest.mark.parametrize("query", ["", f"from={BEFORE}&baseline=budget"], ids=["none", "both"])
def test_beginning_is_a_moment_or_a_baseline(get, clock, query):
    BaselineFactory(code="budget")
    errors = get(f"projection/movers/?{query}", status=400)["errors"]
    message = "「from」か「baseline」のどちらか1つを指定してください。"
    assert errors == {"from": [message], "baseline": [message]}


def test_end_before_the_baseline_is_refused(get, clock):
    BaselineFactory(code="budget")
    errors = get("projection/movers/?baseline=budget&to=2026-11-20", status=400)["errors"]
    assert errors == {"to": ["「to」は「baseline」より後の時点を指定してください。"]}


def test_baseline_before_the_history_is_a_404(get, clock):
    BaselineFactory(code="early", moment=datetime(2026, 11, 1, tzinfo=UTC))
    assert get("projection/movers/?baseline=early", status=404)["status"] == 404


def test_baseline_stands_for_its_moment(get, clock):
    baseline = BaselineFactory(code="budget")
    clock.shift(60)
    move("nta-1", "R9.6")
    moment = baseline.moment.isoformat().replace("+", "%2B")
    answer = get("projection/movers/?baseline=budget")
    assert answer == get(f"projection/movers/?from={moment}")
    assert (answer["from"], answer["difference"]) == ("2026-11-23T16:00:00+09:00", -68_600)


def test_moment_before_the_history_is_a_404(get, clock):
    assert get("projection/movers/?from=2026-01-01", status=404)["status"] == 404


def test_nothing_moved_says_so(get, clock):
    answer = get(f"projection/movers/?from={BEFORE}")
    assert (answer["month"], answer["label"], answer["before"]) == ("2027-03", "R9.3", 152_000)
    assert (answer["after"], answer["difference"], answer["movers"]) == (152_000, 0, [])


def test_moved_date_is_explained(get, clock, clerk):
    clock.shift(60)
    wave = Wave.objects.get(code="nta-1")
    wave.cutover = "R9.6"
    actions.save_row(row=wave, actor=clerk, reason="国税庁からの連絡")
    answer = get(f"projection/movers/?from={BEFORE}")
    assert (answer["before"], answer["after"], answer["difference"]) == (152_000, 83_400, -68_600)
    change = {"at": "2026-11-23T16:01:00+09:00", "by": None, "reason": None, "citation": None}
    assert answer["movers"] == [
        {
            "rollout": "nta",
            "label": "国税庁",
            "cause": "date",
            "cause_label": "日程の変更",
            "users": -68_600,
            "changes": [change],
        }
    ]


def test_who_and_why_is_told_to_those_signed_in_alone(get, clock, clerk, client):
    wave = Wave.objects.get(code="nta-1")
    wave.cutover = "R9.6"
    source = SourceFactory(code="letter", title="国税庁からの連絡")
    words = actions.Evidence(source, "令和9年6月に延期する", "1頁")
    actions.save_row(row=wave, actor=clerk, reason="連絡", evidence=words)
    path = f"projection/movers/?from={BEFORE}"
    told = {"at": "2026-11-23T16:00:00+09:00", "by": None, "reason": None, "citation": None}
    assert get(path)["movers"][0]["changes"] == [told]
    client.force_login(clerk)
    assert get(path)["movers"][0]["changes"] == [
        told
        | {
            "by": "sato",
            "reason": "連絡",
            "citation": {"source": "letter", "title": "国税庁からの連絡", "text": "令和9年6月に延期する"},
        }
    ]


def test_citation_is_told_in_the_words_of_the_time(get, clock, clerk, client):
    wave, source = Wave.objects.get(code="nta-1"), SourceFactory(title="当時の題名")
    for cutover, text in (("R9.6", "六月"), ("R9.7", "七月")):
        for citation in Citation.objects.filter(source=source):
            citation.text = text
            actions.save_row(row=citation, actor=clerk, reason="読み違いの訂正")
        clock.shift(60)
        wave.cutover = cutover
        words = actions.Evidence(source, text)
        actions.save_row(row=wave, actor=clerk, reason="連絡", evidence=words)
    clock.shift(60)
    source.title = "いまの題名"
    actions.save_row(row=source, actor=clerk, reason="訂正")
    actions.delete_row(row=Citation.objects.get(source=source), actor=clerk, reason="整理")
    client.force_login(clerk)
    changes = get(f"projection/movers/?from={BEFORE}")["movers"][0]["changes"]
    assert [(change["citation"]["title"], change["citation"]["text"]) for change in changes] == [
        ("当時の題名", "六月"),
        ("当時の題名", "七月"),
    ]


def test_queries_do_not_grow_with_what_was_cited(client, clock, clerk):
    client.force_login(clerk)

    def move_and_count(codes):
        for code in codes:
            wave = Wave.objects.get(code=code)
            wave.cutover = "R9.6"
            words = actions.Evidence(SourceFactory(), "延期")
            actions.save_row(row=wave, actor=clerk, reason="連絡", evidence=words)
        with CaptureQueriesContext(connection) as captured:
            client.get(f"/api/v1/projection/movers/?from={BEFORE}")
        return len(captured)

    assert move_and_count(["nta-1"]) == move_and_count(["isa-1", "meti-1", "nra-1"])


def test_change_at_the_earlier_moment_itself_belongs_to_before(get, clock):
    clock.shift(60)
    move("nta-1", "R9.6")
    clock.shift(60)
    move("nta-1", "R9.7")
    answer = get("projection/movers/?from=2026-11-23T16:01:00%2B09:00&month=2027-06")
    assert [(mover["users"], len(mover["changes"])) for mover in answer["movers"]] == [(-68_600, 1)]


def test_share_that_an_edit_moved_says_so(get, clock):
    rollout = Rollout.objects.get(code="isa")
    rollout.weight *= 5
    actions.save_row(row=rollout, actor=None, reason="定員の訂正")
    movers = get(f"projection/movers/?from={BEFORE}")["movers"]
    assert {mover["cause"] for mover in movers} == {"sharing"}
    assert {mover["rollout"]: len(mover["changes"]) for mover in movers if mover["changes"]} == {"isa": 1}


def test_stated_count_moves_the_others_by_sharing(get, clock):
    rollout = Rollout.objects.get(code="nta")
    rollout.users = 70_000
    actions.save_row(row=rollout, actor=None, reason="確認")
    movers = get(f"projection/movers/?from={BEFORE}")["movers"]
    assert [(mover["rollout"], mover["cause"], mover["users"]) for mover in movers] == [
        ("nta", "count", 1_400),
        ("meti", "sharing", -506),
        ("isa", "sharing", -411),
        ("local-finance-bureaus", "sharing", -411),
        ("nra", "sharing", -72),
    ]
    assert [len(mover["changes"]) for mover in movers] == [1, 0, 0, 0, 0]


def test_published_total_is_a_cause_of_its_own(get, clock):
    cohort = Cohort.objects.get(code="fy2026")
    cohort.published_users = 90_000
    actions.save_row(row=cohort, actor=None, reason="新しい資料")
    answer = get(f"projection/movers/?from={BEFORE}")
    assert (answer["difference"], {mover["cause"] for mover in answer["movers"]}) == (
        10_000,
        {"published_total"},
    )
    assert {len(mover["changes"]) for mover in answer["movers"]} == {1}


@pytest.mark.usefixtures("sign_in")
def test_wave_that_went_to_another_rollout_says_why_in_both(get, clock):
    wave = WaveFactory(rollout=Rollout.objects.get(code="cfa"), code="cfa-2", cutover="R9.1", users=100)
    clock.shift(60)
    BaselineFactory(code="budget")
    clock.shift(60)
    change(wave, rollout=Rollout.objects.get(code="caa"))
    movers = get("projection/movers/?baseline=budget")["movers"]
    told = {
        (mover["rollout"], mover["cause"]): [edit["reason"] for edit in mover["changes"]]
        for mover in movers
        if mover["cause"] in ("added", "removed")
    }
    assert told == {("cfa", "removed"): ["変更"], ("caa", "added"): ["変更"]}


def test_deleted_rollout_keeps_its_name_of_the_time(get, clock):
    actions.delete_row(row=Rollout.objects.get(code="isa"), actor=None, reason="統合")
    clock.shift(60)
    Ministry.objects.filter(code="isa").update(name="別の名前")
    movers = get(f"projection/movers/?from={BEFORE}")["movers"]
    assert ("isa", "出入国在留管理庁", "removed", -3_344) in [
        (mover["rollout"], mover["label"], mover["cause"], mover["users"]) for mover in movers
    ]


@pytest.mark.parametrize("basis", ["cumulative", "group"])
@pytest.mark.parametrize("month", ["2026-06", "R9.3", "2028-03"])
def test_parts_add_up_to_the_whole(get, clock, basis, month):
    for edit in EDITS:
        clock.shift(60)
        edit()
    answer = get(f"projection/movers/?from={BEFORE}&basis={basis}&month={month}")
    points = {
        point["period"]: point["cumulative"]
        for point in get(f"projection/?basis={basis}&as_of={answer['to'].replace('+', '%2B')}")["points"]
    }
    assert sum(mover["users"] for mover in answer["movers"]) == answer["difference"]
    assert (answer["after"], answer["difference"]) == (
        points[answer["month"]],
        answer["after"] - answer["before"],
    )


def test_queries_do_not_grow_with_what_moved(client, clock):
    def count():
        with CaptureQueriesContext(connection) as captured:
            client.get(f"/api/v1/projection/movers/?from={BEFORE}")
        return len(captured)

    move("nta-1", "R9.6")
    one = count()
    for code in ("isa-1", "meti-1", "nra-1"):
        move(code, "R9.6")
    assert count() == one
