"""Rollouts and waves as they are shown."""

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from rollout import actions, recompute
from rollout.models import Citation, PlanVersion, Projection, Rollout, RolloutCoverage, Wave
from rollout.models.version import pack_counts
from tests.factories import (
    CohortFactory,
    MinistryFactory,
    RolloutFactory,
    SourceFactory,
    WaveFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def source():
    return SourceFactory(code="s", title="資料")


@pytest.fixture
def cohort(source):
    return CohortFactory(code="c", published_users=900, source=source, text_in_source="約900ユーザー")


def count_of(get, path):
    recompute.recompute()
    return get(path)["count"]


@pytest.mark.usefixtures("seeded")
def test_wave_tells_who_moves_when_and_how_many(get):
    answer = get("waves/isa-1/")
    assert answer.pop("version") == str(Wave.objects.get(code="isa-1").history.get().history_id)
    assert answer == {
        "rollout": {"code": "isa", "label": "出入国在留管理庁"},
        "ministry": {"code": "isa", "name": "出入国在留管理庁"},
        "cohort": "fy2026",
        "code": "isa-1",
        "name": "",
        "cutover": {
            "text": "R8.12~",
            "earliest": "2026-12-01",
            "latest": "2026-12-31",
            "precision": "month",
            "open_ended": True,
            "era": "令和8年12月",
            "fiscal_year": 2026,
            "fiscal_year_label": "R8年度",
        },
        "count": {
            "users": 3344,
            "basis": "shared_out",
            "citation": {
                "source": "budget-r8",
                "title": "令和8年度予算概算要求及び機構定員要求の概要",
                "text": "ユーザー数は倍増 (約8万の増加) を見込む",
            },
        },
        "status": "planned",
        "status_label": "予定",
        "merged_into": None,
        "overdue_unconfirmed": False,
        "note": "",
    }


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("R8年度以降", ("R8年度以降", "2026-04-01", None, "fiscal_year", True, "令和8年度以降", None, None)),
        ("R9.1.15", ("R9.1.15", "2027-01-15", "2027-01-15", "day", False, "令和9年1月15日", 2026, "R8年度")),
        ("R3~", ("R3~", "2021-01-01", "2021-12-31", "year", True, "令和3年", 2021, "R3年度")),
    ],
)
def test_cutover_keeps_its_precision(get, text, parts):
    WaveFactory(code="w", cutover=text)
    assert tuple(get("waves/w/")["cutover"].values()) == parts


@pytest.mark.parametrize("text", ["", "検討中", "未定"])
def test_undecided_cutover_is_null(get, text):
    WaveFactory(code="w", cutover=text)
    assert get("waves/w/")["cutover"] is None


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize(
    ("code", "overdue"), [("moj-1", True), ("digital-agency-1", False), ("isa-1", False)]
)
def test_wave_past_its_latest_day_is_overdue_until_confirmed(get, code, overdue):
    assert get(f"waves/{code}/")["overdue_unconfirmed"] is overdue


def test_count_of_a_wave_that_nobody_counted_is_unknown(get):
    WaveFactory(code="w")
    assert count_of(get, "waves/w/") == {"users": None, "basis": "unknown", "citation": None}


def test_stated_count_cites_the_adopted_words(get, source):
    rollout = RolloutFactory(users=700)
    WaveFactory(code="w", rollout=rollout)
    words = {"subject": "users", "text": "約700人"}
    other = SourceFactory(code="a")
    Citation.objects.create(rollout=rollout, source=other, subject="users", text="約650人")
    Citation.objects.create(rollout=rollout, source=other, subject="cutover", text="R8.6~", adopted=True)
    Citation.objects.create(rollout=rollout, source=source, adopted=True, **words)
    citation = {"source": "s", "title": "資料", "text": "約700人"}
    assert count_of(get, "waves/w/") == {"users": 700, "basis": "stated", "citation": citation}


def test_stated_count_that_nobody_published_has_no_citation(get):
    WaveFactory(code="w", users=0)
    assert count_of(get, "waves/w/") == {"users": 0, "basis": "stated", "citation": None}


def test_shared_count_cites_the_published_total(get, cohort):
    WaveFactory(code="w", rollout=RolloutFactory(cohort=cohort))
    citation = {"source": "s", "title": "資料", "text": "約900ユーザー"}
    assert count_of(get, "waves/w/") == {"users": 900, "basis": "shared_out", "citation": citation}


def test_share_of_a_stated_count_cites_what_was_stated(get, cohort, source):
    rollout = RolloutFactory(cohort=cohort, users=700)
    WaveFactory(code="w", rollout=rollout)
    WaveFactory(rollout=rollout)
    Citation.objects.create(rollout=rollout, source=source, subject="users", text="約700人", adopted=True)
    citation = {"source": "s", "title": "資料", "text": "約700人"}
    assert count_of(get, "waves/w/") == {"users": 350, "basis": "shared_out", "citation": citation}


@pytest.mark.parametrize(("users", "basis"), [(None, "unknown"), (5, "stated")])
def test_wave_that_is_not_computed_yet_has_its_own_count_only(get, users, basis):
    wave = WaveFactory(code="w", users=users)
    Projection.objects.all().delete()
    assert get("waves/w/")["count"] == {"users": users, "basis": basis, "citation": None}
    recompute.recompute()
    Projection.objects.update(allocation=pack_counts(*np.array([[wave.pk + 1], [9], [1]])))
    assert get("waves/w/")["count"]["users"] == users


@pytest.mark.parametrize(
    ("users", "waves", "count"),
    [
        pytest.param(None, [(300, "planned"), (None, "planned")], (900, "shared_out"), id="shared"),
        pytest.param(None, [(300, "planned"), (600, "in_use")], (900, "stated"), id="waves stated"),
        pytest.param(700, [(300, "planned"), (None, "planned")], (700, "stated"), id="rollout stated"),
        pytest.param(None, [(300, "planned"), (600, "cancelled")], (300, "stated"), id="one cancelled"),
        pytest.param(
            700, [(300, "planned"), (400, "cancelled")], (300, "stated"), id="stated, one cancelled"
        ),
        pytest.param(None, [(300, "cancelled")], (0, "stated"), id="all cancelled"),
    ],
)
def test_count_of_a_rollout_is_that_of_its_waves(get, cohort, users, waves, count):
    rollout = RolloutFactory(code="r", cohort=cohort, users=users)
    for number, status in waves:
        WaveFactory(rollout=rollout, users=number, status=status)
    answer = count_of(get, "rollouts/r/")
    assert (answer["users"], answer["basis"]) == count


def test_count_of_a_rollout_is_unknown_where_that_of_a_wave_is(get):
    rollout = RolloutFactory(code="r")
    WaveFactory(rollout=rollout, users=10)
    WaveFactory(rollout=rollout)
    assert count_of(get, "rollouts/r/") == {"users": None, "basis": "unknown", "citation": None}


def test_rollout_tells_all_that_is_known(get, source):
    lead = MinistryFactory(code="moj", name="法務省")
    rollout = RolloutFactory(
        code="r",
        cohort__code="k",
        lead_ministry=lead,
        scope="一部",
        partial=True,
        order=3,
        weight=40,
        weight_note="定員",
    )
    for code, order in (("z", 2), ("y", 3), ("x", 3)):
        RolloutCoverage.objects.create(
            rollout=rollout, ministry=MinistryFactory(code=code, name=f"{code}庁", order=order)
        )
    WaveFactory(rollout=rollout, code="w", name="第1陣", cutover="R9.1", users=10, status="preparing")
    recompute.recompute()
    answer = get("rollouts/r/")
    parts = (each.history.latest("history_id").history_id for each in (Rollout, RolloutCoverage, Wave))
    assert answer.pop("version") == "-".join(map(str, parts))
    (wave,) = answer.pop("waves")
    assert (wave["code"], wave["name"], wave["status_label"]) == ("w", "第1陣", "準備中")
    assert (wave["cutover"]["text"], wave["count"]["users"]) == ("R9.1", 10)
    assert answer == {
        "code": "r",
        "label": "法務省（一部）",
        "cohort": "k",
        "order": 3,
        "ministry": {"code": "moj", "name": "法務省"},
        "also_covers": [{"code": code, "name": f"{code}庁"} for code in ("z", "x", "y")],
        "scope": "一部",
        "partial": True,
        "count": {"users": 10, "basis": "stated", "citation": None},
        "weight": 40,
        "weight_scope": "",
        "weight_note": "定員",
        "citations": [],
    }


def test_rollout_cites_every_source_the_adopted_one_first(get, source):
    rollout = RolloutFactory(code="r")
    cite = Citation(
        rollout=rollout, source=source, subject="users", text="約700人", locator="3頁", note="概数"
    )
    cite.save()
    Citation.objects.create(
        rollout=rollout, source=SourceFactory(code="z"), subject="users", text="710人", adopted=True
    )
    first, second = get("rollouts/r/")["citations"]
    assert (first["source"]["code"], first["text"], first["adopted"]) == ("z", "710人", True)
    assert second == {
        "wave": None,
        "source": {"code": "s", "title": "資料"},
        "subject": "users",
        "text": "約700人",
        "says_cutover": None,
        "says_users": None,
        "locator": "3頁",
        "note": "概数",
        "adopted": False,
    }


def test_citation_says_which_wave_it_speaks_of_and_what_was_read_from_it(get, source):
    wave = WaveFactory(code="w", rollout__code="r")
    shared = {"rollout": wave.rollout, "wave": wave, "source": source, "text": "6月に700人"}
    Citation.objects.create(**shared, subject="cutover", says_cutover="R8.6")
    Citation.objects.create(**shared, subject="users", says_users=700)
    cutover, users = get("rollouts/r/")["citations"]
    assert (cutover["wave"], cutover["says_cutover"]["earliest"], cutover["says_users"]) == (
        "w",
        "2026-06-01",
        None,
    )
    assert (users["wave"], users["says_cutover"], users["says_users"]) == ("w", None, 700)


def test_count_of_a_wave_cites_what_was_said_of_that_wave(get, source):
    rollout = RolloutFactory(code="r", users=700)
    waves = [WaveFactory(code=code, rollout=rollout, users=users) for code, users in (("w", 500), ("v", 200))]
    for wave, text in zip([*waves, None], ["第1陣", "第2陣", "全体"], strict=True):
        cited = {"rollout": rollout, "wave": wave, "source": source, "subject": "users", "text": text}
        Citation.objects.create(**cited, adopted=True)
    texts = {
        path: count_of(get, path)["citation"]["text"] for path in ("waves/w/", "waves/v/", "rollouts/r/")
    }
    assert texts == {"waves/w/": "第1陣", "waves/v/": "第2陣", "rollouts/r/": "全体"}


@pytest.mark.parametrize(("says", "text"), [(700, "約700人"), (650, None), (None, None)])
def test_count_of_an_only_wave_cites_the_whole_where_it_says_that_number(get, source, says, text):
    wave = WaveFactory(code="w", users=700)
    words = {"subject": "users", "text": "約700人", "says_users": says, "adopted": True}
    Citation.objects.create(rollout=wave.rollout, source=source, **words)
    citation = count_of(get, "waves/w/")["citation"]
    assert (citation and citation["text"]) == text


def test_waves_of_a_rollout_come_by_latest_day(get):
    rollout = RolloutFactory(code="r")
    for code, cutover in (("a", "検討中"), ("b", "R9.2"), ("d", "R9.1"), ("c", "R9.1")):
        WaveFactory(rollout=rollout, code=code, cutover=cutover)
    assert [wave["code"] for wave in get("rollouts/r/")["waves"]] == ["c", "d", "b", "a"]


def test_counts_say_in_the_headers_when_they_are_old(client, seeded):
    def headers(path):
        answer = client.get(f"/api/v1/{path}")
        return answer.headers["X-Stale"], answer.headers["X-Data-Version"]

    version = str(Projection.objects.first().data_version)
    assert [headers(path) for path in ("waves/", "rollouts/nta/")] == [("false", version)] * 2
    wave = Wave.objects.get(code="nta-1")
    wave.users = 5
    wave.save()
    assert [headers(path) for path in ("waves/nta-1/", "rollouts/")] == [("true", version)] * 2


def test_count_that_somebody_typed_for_a_wave_is_not_credited_to_the_rollouts_source(get, seeded):
    WaveFactory(rollout=Rollout.objects.get(code="nta"), code="nta-2", users=100)
    recompute.recompute()
    assert get("waves/nta-2/")["count"] == {"users": 100, "basis": "stated", "citation": None}
    assert get("waves/nta-1/")["count"]["citation"]["source"] == "press-2024"


def test_rollout_whose_waves_are_all_cancelled_has_no_users_and_no_citation(get, seeded):
    Wave.objects.filter(code="nta-1").update(status="cancelled")
    PlanVersion.objects.raise_number()
    recompute.recompute()
    assert get("rollouts/nta/")["count"] == {"users": 0, "basis": "stated", "citation": None}


@pytest.fixture
def merged(clock):
    """国税庁 with two waves of the plan, of which the second went into the first an hour ago."""
    rollout = Rollout.objects.get(code="nta")
    second = WaveFactory(rollout=rollout, code="nta-2", cutover="R8.6~")
    clock.shift(3600)
    actions.merge_waves(waves=[second], into=rollout.waves.get(code="nta-1"), actor=None, reason="統合")
    clock.shift(3600)
    recompute.recompute()


@pytest.mark.usefixtures("merged")
def test_merged_wave_is_still_listed_and_says_into_which(get):
    columns = ("code", "status", "merged_into", "count")
    rows = get("waves/?search=国税庁")["results"]
    nothing = {"users": None, "basis": "unknown", "citation": None}
    assert [tuple(row[name] for name in columns) for row in rows] == [
        ("nta-1", "planned", None, rows[0]["count"]),
        ("nta-2", "cancelled", "nta-1", nothing),
    ]
    assert rows[0]["count"]["users"] == 68_600
    assert [wave["merged_into"] for wave in get("rollouts/nta/")["waves"]] == [None, "nta-1"]


@pytest.mark.usefixtures("merged")
def test_merged_wave_is_as_it_was_before(get):
    before = (timezone.now() - timedelta(minutes=90)).isoformat().replace("+", "%2B")
    rows = get(f"waves/?search=国税庁&as_of={before}")["results"]
    assert [(row["status"], row["merged_into"], row["count"]["users"]) for row in rows] == [
        ("planned", None, 34_300),
        ("planned", None, 34_300),
    ]


@pytest.mark.usefixtures("merged")
def test_rollout_whose_waves_were_merged_has_the_same_count(get):
    before = (timezone.now() - timedelta(minutes=90)).isoformat().replace("+", "%2B")
    counts = [get(path)["count"] for path in ("rollouts/nta/", f"rollouts/nta/?as_of={before}")]
    assert counts[0] == counts[1]
    assert (counts[0]["users"], counts[0]["basis"]) == (68_600, "stated")
