"""Ministries and the published frame."""

import pytest

from tests.factories import (
    CohortFactory,
    ContactFactory,
    MinistryFactory,
    ObservationFactory,
    RolloutFactory,
    SourceFactory,
    TargetFactory,
)

pytestmark = pytest.mark.django_db


def test_ministry_tells_all_but_its_contacts(get):
    above = MinistryFactory(code="moj", order=2)
    ministry = MinistryFactory(
        code="isa",
        name="出入国在留管理庁",
        kind="agency",
        parent=above,
        order="2.50",
        aliases="入管庁\n入管\n",
    )
    MinistryFactory(code="b", parent=ministry, order=5)
    MinistryFactory(code="a", parent=ministry, order=6)
    ContactFactory(ministry=ministry, name="山田", email="yamada@example.go.jp")
    RolloutFactory(code="isa-hq", lead_ministry=ministry)
    RolloutFactory(code="moj-hq").also_covers.add(ministry)
    assert get("ministries/isa/") == {
        "code": "isa",
        "name": "出入国在留管理庁",
        "name_en": "",
        "kind": "agency",
        "parent": "moj",
        "children": ["b", "a"],
        "order": 2.5,
        "aliases": ["入管庁", "入管"],
        "corporate_number": "",
        "leads": ["isa-hq"],
        "covered_by": ["moj-hq"],
    }


@pytest.mark.parametrize(
    "path", ["ministries/", "rollouts/", "waves/", "ministries/maff/", "rollouts/maff-hq/"]
)
@pytest.mark.usefixtures("seeded")
def test_no_address_appears_anywhere(client, path):
    ContactFactory(name="山田太郎", email="yamada@example.go.jp")
    text = client.get(f"/api/v1/{path}").content.decode()
    assert [word for word in ("@", "山田", "contact") if word in text] == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("子ども家庭庁", ["cfa"]),
        ("こども家庭庁", ["cfa"]),
        ("children", ["cfa"]),
        ("ppc", ["ppc"]),
        ("個人　保護", ["ppc"]),
        ("こども 法務", []),
    ],
)
@pytest.mark.usefixtures("seeded")
def test_search_finds_ministries_by_names_and_aliases(codes, words, found):
    assert codes(f"ministries/?search={words}") == found


@pytest.mark.parametrize("words", ["%00", "x" * 101])
def test_search_for_what_no_row_can_hold_is_refused(get, words):
    errors = get(f"ministries/?search={words}", 400)["errors"]
    assert errors == {"search": ["100字以内の文字を指定してください。"]}


def test_ministries_stand_in_their_order_then_by_code(codes):
    for code, order in (("c", 2), ("b", 2), ("a", 3), ("d", 1)):
        MinistryFactory(code=code, order=order)
    assert codes("ministries/") == ["d", "b", "c", "a"]


def test_source_has_a_period(get):
    SourceFactory(code="a", title="資料", publisher="発行者", published_on="R7.8", kind="press")
    assert get("sources/a/") == {
        "code": "a",
        "title": "資料",
        "publisher": "発行者",
        "published_on": {
            "text": "R7.8",
            "earliest": "2025-08-01",
            "latest": "2025-08-31",
            "precision": "month",
            "open_ended": False,
            "era": "令和7年8月",
            "fiscal_year": 2025,
            "fiscal_year_label": "R7年度",
        },
        "kind": "press",
    }


def test_source_of_unknown_day_has_no_period(get):
    SourceFactory(code="a", published_on="")
    assert get("sources/a/")["published_on"] is None


@pytest.mark.usefixtures("seeded")
def test_cohort_tells_what_was_published(get):
    assert get("cohorts/fy2026/") == {
        "code": "fy2026",
        "label": "R8年度導入予定（資料では下線部）",
        "order": 4,
        "inside": "fy2026-onward",
        "published_users": 80000,
        "approximate": True,
        "rounding_unit": 10000,
        "reading": "group",
        "undecided_note": "",
        "fiscal_year": 2026,
        "fiscal_year_label": "R8年度",
        "published_multiple": 2,
        "source": {"code": "budget-r8", "title": "令和8年度予算概算要求及び機構定員要求の概要"},
        "text_in_source": "ユーザー数は倍増 (約8万の増加) を見込む",
        "rollouts": ["nta", "nra", "meti", "isa", "local-finance-bureaus"],
    }


def test_cohort_may_leave_everything_open(get):
    CohortFactory(code="a", published_users=None)
    cohort = get("cohorts/a/")
    names = ("inside", "published_users", "fiscal_year", "fiscal_year_label")
    assert [cohort[name] for name in names] == [None, None, None, None]


def test_targets_come_by_deadline_and_the_final_one_last(get):
    source = SourceFactory(code="s", title="資料")
    TargetFactory(code="final", users=300, source=source)
    TargetFactory(code="half", users=150, by="2027-03-31", source=source)
    checkpoint, final = get("targets/")["results"]
    assert (final["code"], final["by"]) == ("final", None)
    assert checkpoint == {
        "code": "half",
        "label": "目標",
        "users": 150,
        "reading": "group",
        "by": "2027-03-31",
        "derivation": "",
        "source": {"code": "s", "title": "資料"},
    }


def test_observations_come_oldest_first_with_the_period_they_speak_of(get):
    source = SourceFactory(code="s", title="資料")
    ObservationFactory(as_of="R6.6.19", users=35000, approximate=True, source=source, note="配布数")
    ObservationFactory(as_of="R6.3", users=34000, source=source)
    earlier, later = get("observations/")["results"]
    assert (earlier["as_of"]["text"], earlier["as_of"]["latest"]) == ("R6.3", "2024-03-31")
    assert later == {
        "as_of": {
            "text": "R6.6.19",
            "earliest": "2024-06-19",
            "latest": "2024-06-19",
            "precision": "day",
            "open_ended": False,
            "era": "令和6年6月19日",
            "fiscal_year": 2024,
            "fiscal_year_label": "R6年度",
        },
        "users": 35000,
        "approximate": True,
        "source": {"code": "s", "title": "資料"},
        "note": "配布数",
    }
