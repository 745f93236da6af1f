"""Published figures beside the plan, in JSON."""

import pytest

from rollout import recompute
from rollout.api.reconciliation_example import EXAMPLE
from rollout.models import Citation, PlanVersion, Rollout, Wave
from tests.factories import (
    CohortFactory,
    ContactFactory,
    ObservationFactory,
    SourceFactory,
    TargetFactory,
    WaveFactory,
)

pytestmark = pytest.mark.django_db


COMPARED = ("published", "computed", "difference", "tolerance", "verdict")


def figures(get, query="", columns=COMPARED):
    return {
        (figure["kind"], figure["code"]): tuple(figure[column] for column in columns)
        for figure in get(f"reconciliation/{query}")["figures"]
    }


def findings(get, kind, query=""):
    """What was found of one kind, without its kind and its sentence."""
    found = [entry for entry in get(f"reconciliation/{query}")["findings"] if entry.pop("kind") == kind]
    return [entry for entry in found if entry.pop("message")]


def cite(rollout, code, **said):
    """What a new source of that code says of a rollout."""
    return Citation.objects.create(rollout=rollout, source=SourceFactory(code=code), **said)


@pytest.mark.usefixtures("seeded")
def test_anonymous_may_not_read_what_is_not_public(client, settings):
    settings.PUBLIC_READ = False
    assert client.get("/api/v1/reconciliation/").status_code == 401


def test_nothing_computed_yet_is_a_503(get):
    assert get("reconciliation/", 503)["title"] == "まだ答えられません"


def test_basis_that_cannot_be_meant_is_refused(get):
    errors = get("reconciliation/?basis=x", 400)["errors"]
    assert errors == {"basis": ["「x」は選べません。使えるのは cumulative、group です。"]}


def test_granularity_is_no_parameter_of_it(get):
    errors = get("reconciliation/?granularity=month", 400)["errors"]
    assert errors == {"granularity": ["「granularity」というパラメータはありません。使えるのは basis です。"]}


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize(
    ("query", "third_group"),
    [("", (272000, 152000, -120000)), ("?basis=group", (272000, 80000, -192000))],
)
def test_every_published_figure_stands_beside_the_plan(get, query, third_group):
    others = 6000 if query == "" else 5000  # half the units of what was shared out within it
    assert figures(get, query) == {
        ("cohort", "in-use"): (47000, 47000, 0, 500, "agrees"),
        ("cohort", "fy2025"): (25000, 25000, 0, 500, "agrees"),
        ("cohort", "fy2026-onward"): (*third_group, 500 + others, "undated"),
        ("cohort", "fy2026"): (80000, 80000, 0, 5000, "agrees"),
        ("fiscal_year", "fy2026"): (80000, 80000, 0, 5000, "agrees"),
        ("multiple", "fy2026"): (144000, 152000, 8000, 36000, "agrees"),
        ("observation", "report-2023"): (26300, 26703, 403, 50, "close"),
        ("observation", "press-2024"): (34000, 34396, 396, 500, "agrees"),
        ("observation", "review-2024"): (35000, 34607, -393, 500, "agrees"),
        ("observation", "budget-r8"): (47000, 47000, 0, 500, "agrees"),
        ("stated_count", "moj"): (18700, 18700, 0, 50, "agrees"),
        ("stated_count", "nta"): (68600, 68600, 0, 50, "agrees"),
        ("target", "fy2026-end"): (152000, 152000, 0, 0, "agrees"),
        ("target", "gss-total"): (*third_group, 0, "undated"),
    }


@pytest.mark.usefixtures("seeded")
def test_answer_says_what_it_was_computed_from(get):
    answer = get("reconciliation/")
    assert list(answer) == ["basis", "computed_at", "data_version", "stale", "figures", "findings"]
    assert (answer["basis"], answer["stale"]) == ("cumulative", False)


@pytest.mark.usefixtures("seeded")
def test_figure_says_who_published_it_and_in_which_words(get):
    increase = next(f for f in get("reconciliation/")["figures"] if f["kind"] == "fiscal_year")
    assert increase == {
        "kind": "fiscal_year",
        "code": "fy2026",
        "label": "R8年度の増加",
        "period": "2026",
        "reading": "group",
        "published": 80000,
        "approximate": True,
        "multiple": None,
        "ratio": None,
        "computed": 80000,
        "difference": 0,
        "difference_percent": 0,
        "tolerance": 5000,
        "undated": 0,
        "verdict": "agrees",
        "verdict_label": "一致",
        "source": {"code": "budget-r8", "title": "令和8年度予算概算要求及び機構定員要求の概要"},
        "text": "ユーザー数は倍増 (約8万の増加) を見込む",
    }


@pytest.mark.usefixtures("seeded")
def test_observation_is_named_by_its_day(get):
    observed = [f for f in get("reconciliation/")["figures"] if f["kind"] == "observation"]
    assert [(f["label"], f["period"]) for f in observed] == [
        ("令和5年8月の利用者数", "2023-08"),
        ("令和6年3月の利用者数", "2024-03"),
        ("令和6年6月19日の利用者数", "2024-06-19"),
        ("令和7年8月の利用者数", "2025-08"),
    ]


def test_checkpoint_is_compared_at_its_deadline(get):
    WaveFactory(users=10, cutover="R9.3", rollout__cohort=CohortFactory(code="c"))
    WaveFactory(users=20, cutover="R9.4", rollout__cohort=CohortFactory(code="d"))
    ObservationFactory(users=4, as_of="R9.3.31", source__code="s")
    TargetFactory(code="half", users=15, by="2027-03-31")
    TargetFactory(code="final", users=30)
    recompute.recompute()
    assert figures(get, columns=COMPARED[:3]) == {
        ("observation", "s"): (4, 10, 6),
        ("target", "half"): (15, 10, -5),
        ("target", "final"): (30, 30, 0),
    }
    assert [f["period"] for f in get("reconciliation/")["figures"]] == ["2027-03-31", "2027-03-31", None]


@pytest.mark.usefixtures("seeded")
def test_multiple_gives_users_and_how_many_times_that_is(get):
    columns = ("label", "period", "multiple", "ratio", "difference_percent", "text")
    assert figures(get, columns=columns)["multiple", "fy2026"] == (
        "R8年度末（前年度末の2倍）",
        "2026",
        2,
        2.11,
        5.56,
        "ユーザー数は倍増 (約8万の増加) を見込む",
    )


@pytest.mark.usefixtures("seeded")
def test_stated_count_is_that_of_the_words(get):
    columns = ("label", "period", "approximate", "text")
    assert figures(get, columns=columns)["stated_count", "moj"] == (
        "法務省（一部）の人数",
        None,
        True,
        "約1055拠点・約1万8700人",
    )


def test_stated_count_of_a_wave_is_named_by_the_wave(get):
    wave = WaveFactory(code="w", name="第2陣", users=5, rollout__lead_ministry__name="第九省")
    said = {"subject": "users", "text": "5人", "says_users": 5}
    Citation.objects.create(rollout=wave.rollout, wave=wave, source=SourceFactory(), **said)
    recompute.recompute()
    assert figures(get, columns=("label", "approximate", "verdict")) == {
        ("stated_count", "w"): ("第九省 第2陣の人数", False, "agrees")
    }


@pytest.mark.usefixtures("seeded")
def test_target_says_how_it_was_derived(get):
    texts = figures(get, columns=("text",))
    assert texts["target", "fy2026-end"] == ("R7年度末 72,000（約47,000＋約25,000）＋ R8年度の増加 約8万",)


@pytest.mark.usefixtures("seeded")
def test_example_in_the_schema_is_what_the_seed_says(get):
    answer = get("reconciliation/")
    shortened = {
        "figures": [figure for figure in answer["figures"] if figure in EXAMPLE["figures"]],
        "findings": [finding for finding in answer["findings"] if finding in EXAMPLE["findings"]],
    }
    assert shortened == {name: EXAMPLE[name] for name in shortened}
    assert set(EXAMPLE) == set(answer)


# What is found in the seed


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("query", ["", "?basis=group"])
def test_stated_count_of_the_tax_agency_leaves_little_for_four_others(get, query):
    assert findings(get, "thin_remainder", query) == [
        {
            "cohort": "fy2026",
            "rollouts": ["isa", "local-finance-bureaus", "meti", "nra"],
            "adds": 80000,
            "tolerance": 5000,
            "stated": [{"rollout": "nta", "users": 68600}],
            "inner_users": 0,
            "remainder": 11400,
            "known_weight": 15657,
            "unweighted": ["local-finance-bureaus"],
        }
    ]


@pytest.mark.usefixtures("seeded")
def test_weights_of_two_groups_mix_scopes(get):
    bodies = ["caa", "casino", "cfa", "digital-agency", "fsa", "imperial-household", "mic", "npa", "ppc"]
    first, second = findings(get, "mixed_weight_scopes")
    assert (first["cohort"], second["cohort"]) == ("in-use", "fy2026")
    assert first["scopes"] == [
        {"scope": "body", "rollouts": bodies},
        {"scope": "combined", "rollouts": ["cabinet-office"]},
        {"scope": "proper", "rollouts": ["moe"]},
        {"scope": "split", "rollouts": ["maff-hq", "maff-regional"]},
    ]
    assert second["scopes"] == [
        {"scope": "body", "rollouts": ["isa", "nra"]},
        {"scope": "with_outer", "rollouts": ["meti"]},
    ]


def said(text, cutover, *, source="budget-r8", adopted=True):
    return {
        "source": source,
        "wave": None,
        "adopted": adopted,
        "text": text,
        "cutover": cutover,
        "users": None,
    }


@pytest.mark.usefixtures("seeded")
def test_sources_disagree_about_two_months(get):
    cabinet, personnel = findings(get, "sources_disagree")
    assert (cabinet["rollouts"], cabinet["apart"]) == (["cabinet-office"], 1)
    assert [entry["cutover"] for entry in cabinet["said"]] == ["2023-12~", "2024-01"]
    assert personnel == {
        "cohort": None,
        "rollouts": ["npa"],
        "wave": None,
        "subject": "cutover",
        "apart": 1,
        "said": [
            said("人事院 (R4.9~)", "2022-09~"),
            said("2022年8月", "2022-08", source="report-2023", adopted=False),
        ],
    }


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("query", ["", "?basis=group"])
def test_third_group_reads_two_ways(get, query):
    totals = {"cumulative": 272000, "group": 344000}
    assert findings(get, "ambiguous_reading", query) == [
        {"cohort": "fy2026-onward", "rollouts": [], "totals": totals}
    ]


@pytest.mark.usefixtures("seeded")
def test_curve_passes_close_to_three_independent_observations(get):
    (found,) = findings(get, "observations_close")
    assert (found["compared"], found["close"], found["largest_percent"]) == (3, 3, 1.53)
    assert [list(entry.values()) for entry in found["observations"]] == [
        ["report-2023", "2023-08", 403, 1.53],
        ["press-2024", "2024-03", 396, 1.16],
        ["review-2024", "2024-06-19", -393, -1.12],
    ]


# What is not in the seed


def test_plan_that_left_its_source_is_named_without_one(get):
    wave = WaveFactory(code="w", cutover="R9.3")
    cite(wave.rollout, "s", subject="cutover", text="十二月", says_cutover="R8.12")
    recompute.recompute()
    (found,) = findings(get, "sources_disagree")
    assert [list(entry.values()) for entry in found["said"]] == [
        ["s", None, False, "十二月", "2026-12", None],
        [None, "w", False, "R9.3", "2027-03", None],
    ]


def test_cancelled_wave_contradicts_nobody(get):
    wave = WaveFactory(cutover="R9.3", status="cancelled")
    cite(wave.rollout, "s", subject="cutover", text="十二月", says_cutover="R8.12")
    recompute.recompute()
    assert findings(get, "sources_disagree") == []


def test_sources_disagree_about_users_of_a_wave(get):
    wave = WaveFactory(code="w")
    cite(wave.rollout, "s", subject="users", wave=wave, text="500人", says_users=500)
    cite(wave.rollout, "t", subject="users", wave=wave, text="約600人", says_users=600, adopted=True)
    recompute.recompute()
    (found,) = findings(get, "sources_disagree")
    assert (found["wave"], found["subject"], found["apart"]) == ("w", "users", 100)
    assert [(entry["users"], entry["cutover"]) for entry in found["said"]] == [(600, None), (500, None)]


def test_observation_of_nobody_has_no_percentage(get):
    ObservationFactory(users=0, as_of="2020-01")
    WaveFactory()
    recompute.recompute()
    (found,) = findings(get, "observations_close")
    assert found["largest_percent"] is None


@pytest.mark.usefixtures("seeded")
def test_change_that_is_not_computed_yet_makes_the_answer_stale(get):
    Wave.objects.filter(rollout__code="nta").update(cutover="R10.1", users=1)
    PlanVersion.objects.raise_number()
    answer = get("reconciliation/")
    assert answer["stale"] is True
    assert figures(get)["fiscal_year", "fy2026"][1] == 80000


@pytest.mark.usefixtures("seeded")
def test_anonymous_see_neither_contacts_nor_reasons(get, client):
    rollout = Rollout.objects.get(code="nta")
    contact = ContactFactory(ministry=rollout.lead_ministry, name="機微 太郎")
    rollout.history.update(history_change_reason="内密の理由")
    text = client.get("/api/v1/reconciliation/").content.decode()
    assert [word in text for word in (contact.email, contact.name, "内密の理由", "国税庁")] == [
        *(False, False, False),
        True,
    ]
