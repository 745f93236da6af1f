"""Rollouts, waves and cohorts as they were known at a moment of the past."""

from datetime import datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from ministries.models import Ministry
from rollout import moments, recompute
from rollout.models import Citation, Cohort, Rollout, RolloutCoverage, Wave
from tests.api.edits import EDITS, REWORDINGS, change, move, publish, remove
from tests.api.test_query_counts import add_everything
from tests.conftest import SEED_NOW
from tests.factories import MinistryFactory, RolloutFactory, SourceFactory, WaveFactory

TOKYO = ZoneInfo("Asia/Tokyo")
LISTS = ["rollouts/", "waves/", "cohorts/", "ministries/", "sources/", "targets/"]
ROWS = ["rollouts/nta/", "waves/nta-1/", "cohorts/fy2026/", "ministries/nta/", "sources/budget-r8/"]
FORMS = "「2026-11-22」（その日の終わり）か「2026-11-22T09:00:00+09:00」のように指定してください。"


def as_of(moment):
    return f"as_of={quote(moment.isoformat())}"


def edit_everything(clock):
    """Every edit, each at a minute of its own, and waves of every kind."""
    for edit in [*EDITS, *REWORDINGS]:
        clock.shift(60)
        edit()
    for number, cutover in enumerate(["検討中", "R9年度以降", "R8.10.15", "R8年度", "R3", "R8.6~"]):
        for code in ("mof", "nra"):
            status = "planned" if number else "under_review"
            WaveFactory(rollout=Rollout.objects.get(code=code), cutover=cutover, users=number, status=status)
    clock.shift(60)
    move("moj-1", "R8.11.22")
    recompute.recompute()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", f"「」は読めません。{FORMS}", id="empty"),
        pytest.param("soon", f"「soon」は読めません。{FORMS}", id="not a date"),
        pytest.param("2026-11-22T09:00:00", f"「2026-11-22T09:00:00」は読めません。{FORMS}", id="no offset"),
        pytest.param("2026-11-24", f"未来の日です。{FORMS}", id="tomorrow"),
        pytest.param("2026-11-23T16:00:01%2B09:00", f"未来の時点です。{FORMS}", id="in a second"),
    ],
)
def test_moment_that_cannot_be_answered_is_refused(get, clock, text, message):
    problems = [get(f"{path}?as_of={text}", 400)["errors"] for path in [*LISTS, *ROWS]]
    assert problems == [{"as_of": [message]}] * len(problems)


def test_moment_before_the_history_is_a_404(get, clock):
    details = {get(f"{path}?as_of=2026-11-15", 404)["detail"] for path in [*LISTS, *ROWS]}
    assert details == {"計画の履歴がそこまで遡れません。履歴の始まりは 2026-11-16 16:00:00 です。"}


def test_moment_that_a_long_change_holds_up_is_a_503(get, clock, monkeypatch):
    def locked():
        raise OperationalError("database is locked")

    monkeypatch.setattr(moments, "settled_moment", locked)
    details = {get(f"{path}?as_of=2026-11-23", 503)["detail"] for path in [*LISTS, *ROWS]}
    assert details == {"計画の変更を書き込んでいるところです。少し待ってからやり直してください。"}


def test_past_is_not_public_where_reading_is_not(get, clock, settings):
    settings.PUBLIC_READ = False
    details = {get(f"{path}?as_of=2026-11-20", 401)["detail"] for path in [*LISTS, *ROWS]}
    assert details == {"ログインが必要です。ログインしてからやり直してください。"}


def test_unreadable_moment_is_refused_whatever_is_asked_for(clock, staff_client):
    answer = staff_client.options("/api/v1/waves/?as_of=soon", headers={"accept": "application/json"})
    assert answer.status_code == 400


def test_history_that_does_not_name_the_ministries_yet_is_not_complete(get, clock):
    Ministry.history.update(history_date=SEED_NOW)
    problem = get("waves/?as_of=2026-11-20", 404)
    assert problem["detail"] == "計画の履歴がそこまで遡れません。履歴の始まりは 2026-11-23 16:00:00 です。"


FILTERS = [
    "",
    "ministry=maff",
    "ministry=tax-agency",
    "ministry=cabinet-secretariat",
    "ministry=new&cohort=fy2026",
    "cohort=in-use",
    "cohort=r7",
    *(f"status={status}" for status in ("under_review", "planned", "preparing", "in_use", "cancelled")),
    "fiscal_year=2026",
    "fiscal_year=R9&status=planned",
    "cutover_after=2027-01-15",
    "cutover_before=2026-06-01",
    "cutover_after=2026-07-01&cutover_before=2026-07-31",
    "unconfirmed=true",
    "unconfirmed=false",
    "unconfirmed=true&fiscal_year=R8&ministry=nra",
    *(
        f"search={words}"
        for words in ("食料", "農水", "旧農林", "農林水産", "AGENCY", "本庁", "造幣", "復興", "mo 法務")
    ),
    "search=%25",
    "page_size=3",
    "page_size=5&ordering=-cutover&search=省",
]
ROLLOUT_ORDERINGS = ["code", "cohort", "ministry", "cutover"]
ORDERINGS = {"rollouts/": ROLLOUT_ORDERINGS, "waves/": [*ROLLOUT_ORDERINGS, "status"]}
QUERIES = [
    *(f"{path}?{query}" for path in ORDERINGS for query in FILTERS),
    *(
        f"{path}?ordering={sign}{name}"
        for path, names in ORDERINGS.items()
        for name in names
        for sign in ("", "-")
    ),
    *(f"{path}?ordering=ministry,-cutover&status=planned" for path in ORDERINGS),
    "cohorts/?page_size=2",
    *(
        "ministries/",
        "ministries/?search=農林",
        "ministries/?page_size=3",
        "sources/",
        "targets/",
        "observations/",
    ),
    "cohorts/",
]


@pytest.fixture
def read(client):
    """Read a path below /api/v1/: the bytes and the answer."""

    def read(path):
        answer = client.get(f"/api/v1/{path}")
        assert answer.status_code == 200, answer.content.decode()
        return answer.content, answer

    return read


def test_the_present_moment_answers_what_is_answered_without_one(clock, read):
    edit_everything(clock)
    moment = as_of(datetime.now(TOKYO))
    differing, sizes = [], []
    for query in QUERIES:
        now, answer = read(query)
        then, _ = read(f"{query}{'&' if '?' in query else '?'}{moment}")
        if then.replace(f"{moment}&".encode(), b"").replace(f"?{moment}".encode(), b"") != now:
            differing.append(query)
        sizes.append(len(answer.json()["results"]))
    assert differing == []
    assert len({size for size in sizes if size}) > 10  # the queries do tell rows apart


def test_the_present_moment_answers_the_same_of_every_row(clock, read):
    edit_everything(clock)
    moment = as_of(datetime.now(TOKYO))
    paths = [f"{path}{row['code']}/" for path in LISTS for row in read(path)[1].json()["results"]]
    assert len(paths) > 60
    assert [path for path in paths if read(f"{path}?{moment}")[0] != read(path)[0]] == []


ASKED = [
    *("ministries/", "sources/", "targets/", "observations/"),
    "rollouts/",
    "waves/",
    "cohorts/",
    "waves/?search=農林&ordering=ministry",
    "rollouts/?search=Reconstruction",
    "waves/?unconfirmed=true&ordering=-cutover",
    "rollouts/?status=planned&ordering=cutover,-cohort",
    "waves/?ordering=status&cutover_before=2026-12-31",
]


def test_every_moment_answers_what_was_answered_then_and_the_same_bytes_for_ever(clock, read):
    told = []
    for edit in [*EDITS, *REWORDINGS]:
        clock.shift(timedelta(hours=7))
        edit()
        recompute.recompute()
        told.append((as_of(datetime.now(TOKYO)), [read(query)[0] for query in ASKED]))
    clock.shift(timedelta(days=365))
    for moment, answers in told:
        again = [read(f"{query}{'&' if '?' in query else '?'}{moment}")[0] for query in ASKED]
        assert again == answers
    distinct = {tuple(answers) for _, answers in told}
    assert len(distinct) == len(told)


def test_names_words_and_coverage_are_those_of_the_moment(get, clock):
    for edit in REWORDINGS:
        clock.shift(60)
        edit()
    past = f"as_of={SEED_NOW:%Y-%m-%d}T16:00:00%2B09:00"
    hq, nta, office = (get(f"rollouts/{code}/?{past}") for code in ("maff-hq", "nta", "cabinet-office"))
    assert (hq["label"], hq["ministry"]["name"]) == ("農林水産省（本省）", "農林水産省")
    assert nta["count"]["citation"] == {
        "source": "press-2024",
        "title": nta["citations"][1]["source"]["title"],
        "text": "約578拠点・約6万8600人",
    }
    assert [ministry["code"] for ministry in office["also_covers"]] == [
        "cabinet-secretariat",
        "reconstruction-agency",
    ]
    assert get(f"cohorts/fy2025/?{past}")["rollouts"] == ["moj", "jftc", "jma"]


def test_search_finds_the_names_and_aliases_of_the_moment(codes, clock):
    past = as_of(SEED_NOW)
    clock.shift(60)
    change(Ministry.objects.get(code="maff"), name="食料省", aliases="食料庁")
    assert codes(f"rollouts/?search=農林水産&{past}") == ["maff-hq", "maff-regional"]
    assert [codes(f"rollouts/?search={word}") for word in ("農林水産", "食料庁")] == [
        [],
        ["maff-hq", "maff-regional"],
    ]
    assert codes(f"waves/?search=食料&{past}") == []


@pytest.mark.parametrize("path", ["rollouts/", "waves/"])
def test_codes_asked_for_are_those_of_the_moment(get, codes, clock, path):
    past = as_of(SEED_NOW)
    clock.shift(60)
    change(Ministry.objects.get(code="nta"), code="tax-agency")
    assert [code.removesuffix("-1") for code in codes(f"{path}?ministry=nta&{past}")] == ["nta"]
    errors = get(f"{path}?ministry=tax-agency&cohort=none&status=x&{past}", 400)["errors"]
    assert errors["ministry"] == ["「tax-agency」というコードの府省庁はありません。"]
    assert errors["cohort"] == ["「none」というコードの導入区分はありません。"]
    assert sorted(errors) == ["cohort", "ministry", "status"]


def test_row_deleted_since_is_there_again(get, codes, clock):
    before, past = get("rollouts/isa/"), as_of(SEED_NOW)
    clock.shift(60)
    remove(Rollout.objects.get(code="isa"))
    assert [get(path, 404)["status"] for path in ("rollouts/isa/", "waves/isa-1/")] == [404, 404]
    assert get(f"rollouts/isa/?{past}") == before
    assert get(f"waves/isa-1/?{past}")["ministry"]["name"] == "出入国在留管理庁"
    assert get(f"cohorts/fy2026/?{past}")["rollouts"][3] == "isa"
    assert codes(f"waves/?ministry=isa&{past}") == ["isa-1"]


def test_row_whose_ministry_is_gone_too_is_there_again(get, clock):
    rollout = RolloutFactory(code="gone", lead_ministry=MinistryFactory(code="m", name="廃止庁"))
    WaveFactory(code="gone-1", rollout=rollout)
    past = as_of(datetime.now(TOKYO))
    clock.shift(60)
    remove(rollout)
    remove(Ministry.objects.get(code="m"))
    assert get(f"waves/gone-1/?{past}")["ministry"] == {"code": "m", "name": "廃止庁"}


def test_row_made_since_is_not_there(get, codes, clock):
    past = as_of(SEED_NOW)
    clock.shift(60)
    rollout = RolloutFactory(code="late")
    WaveFactory(code="late-1", rollout=rollout)
    for path in ("rollouts/late/", "waves/late-1/", f"cohorts/{rollout.cohort.code}/"):
        assert get(path)["code"]
        problem = get(f"{path}?{past}", 404)
        assert problem["detail"] == "この URL には何もありません。コードと URL を確かめてください。"
    assert [code for path in LISTS for code in codes(f"{path}?{past}") if code.startswith("late")] == []


def test_counts_are_computed_from_the_plan_of_the_moment(get, clock):
    past = as_of(SEED_NOW)
    clock.shift(60)
    change(Rollout.objects.get(code="nta"), users=None)
    publish(300_000)
    recompute.recompute()
    now, then = get("waves/isa-1/")["count"], get(f"waves/isa-1/?{past}")["count"]
    assert (then["users"], then["basis"]) == (3344, "shared_out")
    assert (now["users"], now["basis"]) != (3344, "shared_out")
    assert get(f"rollouts/nta/?{past}")["count"]["users"] == 68_600
    assert get(f"waves/mof-1/?{past}")["count"] == {"users": None, "basis": "unknown", "citation": None}


@pytest.mark.parametrize(("day", "overdue"), [("2026-11-25", False), ("2026-11-26", True)])
def test_what_is_overdue_is_judged_on_the_day_of_the_moment(get, codes, clock, day, overdue):
    move("isa-1", "R8.11.25")
    clock.move_to(datetime(2027, 2, 1, tzinfo=TOKYO))
    assert get(f"waves/isa-1/?as_of={day}")["overdue_unconfirmed"] is overdue
    assert ("isa-1" in codes(f"waves/?unconfirmed=true&as_of={day}")) is overdue
    assert ("isa-1" in codes(f"waves/?unconfirmed=false&as_of={day}")) is not overdue
    assert ("isa" in codes(f"rollouts/?unconfirmed=true&as_of={day}")) is overdue


def test_wave_that_has_moved_to_another_rollout_is_where_it_was(get, clock):
    past = as_of(SEED_NOW)
    clock.shift(60)
    change(Wave.objects.get(code="cfa-1"), rollout=Rollout.objects.get(code="caa"))
    assert get(f"waves/cfa-1/?{past}")["rollout"] == {"code": "cfa", "label": "こども家庭庁"}
    assert [wave["code"] for wave in get(f"rollouts/caa/?{past}")["waves"]] == ["caa-1"]


def test_headers_name_the_moment_and_no_version(clock, read):
    recompute.recompute()
    _, now = read("waves/")
    _, day = read("waves/?as_of=2026-11-20")
    _, cohorts = read("cohorts/?as_of=2026-11-23")
    assert (now["X-Stale"], "X-Data-Version" in now, "X-As-Of" in now) == ("false", True, False)
    assert (day["X-Stale"], "X-Data-Version" in day) == ("false", False)
    assert day["X-As-Of"] == "2026-11-20T23:59:59.999999+09:00"
    assert cohorts["X-As-Of"] == "2026-11-23T16:00:00+09:00"


def test_past_is_never_stale(clock, read):
    recompute.recompute()
    clock.shift(60)
    move("nta-1", "R9.2")
    assert [read(f"waves/{query}")[1]["X-Stale"] for query in ("", "?as_of=2026-11-20")] == ["true", "false"]


def test_pages_keep_to_the_moment_of_the_first(get, clock):
    first = get("waves/?as_of=2026-11-23&page_size=10")
    clock.shift(60)
    move("digital-agency-1", "R4")
    second = get(first["next"].split("/api/v1/")[1])
    assert all(f"/waves/?{as_of(SEED_NOW)}&" in link for link in (first["next"], second["previous"]))
    assert [row["code"] for row in first["results"] if row in second["results"]] == []


def test_day_means_its_end_in_tokyo(codes, get, clock):
    clock.move_to(datetime(2026, 11, 24, 23, 59, 59, tzinfo=TOKYO))
    move("nta-1", "R9.6")
    clock.move_to(datetime(2026, 11, 25, 0, 0, 0, tzinfo=TOKYO))
    move("nta-1", "R9.9")
    assert get("waves/nta-1/?as_of=2026-11-24")["cutover"]["text"] == "R9.6"


def test_citations_of_the_moment_come_in_order_adopted_first(get, clock):
    past = as_of(SEED_NOW)
    clock.shift(60)
    for citation in Citation.objects.filter(rollout__code="npa", adopted=True):
        remove(citation)
    words = [
        (entry["adopted"], entry["source"]["code"]) for entry in get(f"rollouts/npa/?{past}")["citations"]
    ]
    assert words == [(True, "budget-r8"), (False, "report-2023")]


def test_citations_stand_in_the_order_of_the_codes_of_the_moment(get, clock):
    first, second = SourceFactory(code="b"), SourceFactory(code="c")
    for source in (second, first):
        change(Citation(rollout=Rollout.objects.get(code="mof"), source=source, subject="users", text="約"))
    past = as_of(SEED_NOW)
    clock.shift(60)
    change(first, code="d")
    order = [
        [entry["source"]["code"] for entry in get(f"rollouts/mof/?{query}")["citations"][1:]]
        for query in ("", past)
    ]
    assert order == [["c", "d"], ["b", "c"]]


def test_ministries_that_moved_along_come_in_the_order_of_the_moment(get, clock):
    past = as_of(SEED_NOW)
    clock.shift(60)
    change(Ministry.objects.get(code="reconstruction-agency"), order="0.1")
    now, then = (get(f"rollouts/cabinet-office/?{query}")["also_covers"] for query in ("", past))
    assert then == now[::-1]


@pytest.mark.parametrize(
    "path",
    [
        "cohorts/",
        "rollouts/",
        "rollouts/?search=省&status=planned&fiscal_year=R8&unconfirmed=true&ordering=cutover",
        "waves/",
        "waves/?search=省&status=planned&fiscal_year=R8&unconfirmed=true&ordering=ministry",
    ],
)
def test_queries_do_not_grow_with_the_rows(get, db, path):
    counts = []
    for numbers in ([0], range(1, 6)):
        for number in numbers:
            add_everything(number)
        moment = as_of(datetime.now(TOKYO))
        with CaptureQueriesContext(connection) as queries:
            rows = get(f"{path}{'&' if '?' in path else '?'}{moment}")["results"]
        counts.append((len(queries), len(rows)))
    (few_queries, few_rows), (many_queries, many_rows) = counts
    assert many_queries == few_queries
    assert many_rows > few_rows > 0


def test_nobody_moves_along_where_the_coverage_came_later(get, codes, clock):
    past = as_of(SEED_NOW)
    clock.shift(60)
    change(
        RolloutCoverage(rollout=Rollout.objects.get(code="mof"), ministry=Ministry.objects.get(code="ppc"))
    )
    assert [len(get(f"rollouts/mof/?{query}")["also_covers"]) for query in ("", past)] == [1, 0]
    assert [codes(f"rollouts/?ministry=ppc&{query}") for query in ("", past)] == [["ppc", "mof"], ["ppc"]]


def test_waves_of_one_day_come_in_the_order_of_their_rollouts_at_the_moment(codes, clock):
    past = as_of(SEED_NOW)
    clock.shift(60)
    change(Rollout.objects.get(code="cfa"), order=99)
    both = ["cfa-1", "maff-regional-1"]
    query = "waves/?cutover_after=2023-04-01&cutover_before=2023-04-30"
    assert [codes(f"{query}&{moment}")[:2] for moment in (past, "")] == [both, both[::-1]]


def test_cohort_lies_inside_what_the_other_was_called_at_the_moment(get, clock):
    past = as_of(SEED_NOW)
    clock.shift(60)
    change(Cohort.objects.get(code="fy2026-onward"), code="rest")
    assert [get(f"cohorts/fy2026/?{query}")["inside"] for query in (past, "")] == ["fy2026-onward", "rest"]
