"""Which rollouts and waves a list shows, and in which order."""

import pytest
import time_machine

from rollout.models import RolloutCoverage
from tests.conftest import SEED_NOW
from tests.factories import CohortFactory, MinistryFactory, RolloutFactory, WaveFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(SEED_NOW):
        yield


@pytest.fixture
def plan():
    """Two rollouts: `early` in use but for a wave that is overdue, `late` still to come, with loose ends."""
    cfa = MinistryFactory(code="cfa", name="こども家庭庁", aliases="子ども家庭庁", order=2)
    moj = MinistryFactory(code="moj", name="法務省", name_en="Ministry of Justice", order=1)
    early = RolloutFactory(code="early", cohort=CohortFactory(code="c1", order=1), lead_ministry=cfa, order=1)
    late = RolloutFactory(
        code="late", cohort=CohortFactory(code="c2", order=2), lead_ministry=moj, order=1, scope="地方拠点"
    )
    for code in ("npa", "ppc"):
        RolloutCoverage.objects.create(
            rollout=late, ministry=MinistryFactory(code=code, name=f"{code}庁", aliases=code)
        )
    for rollout, code, cutover, status in (
        (early, "w1", "R7.5", "in_use"),
        (early, "w2", "R8.6~", "planned"),
        (late, "w3", "R9.1", "planned"),
        (late, "w4", "R9.1.15", "preparing"),
        (late, "w5", "R9年度以降", "planned"),
        (late, "w6", "検討中", "under_review"),
        (late, "w7", "R7.4", "cancelled"),
    ):
        WaveFactory(rollout=rollout, code=code, cutover=cutover, status=status)


NO_STATUS = (
    "「done」という状態はありません。"
    "使えるのは under_review、planned、preparing、migrating、in_use、cancelled です。"
)
BAD_VALUES = {
    "ministry": ("nobody", "「nobody」というコードの府省庁はありません。"),
    "cohort": ("nobody", "「nobody」というコードの導入区分はありません。"),
    "status": ("done", NO_STATUS),
    "fiscal_year": (
        "R8.6",
        "「R8.6」：年度として読めません。2026、FY2026、R8、R8年度、令和8年度 のように書いてください。",
    ),
    "cutover_after": ("R8.6", "2026-06-15 のように年月日を指定してください。"),
    "cutover_before": ("2026-02-30", "2026-06-15 のように年月日を指定してください。"),
    "unconfirmed": ("maybe", "true か false を指定してください。"),
}


@pytest.mark.parametrize("path", ["rollouts", "waves"])
@pytest.mark.parametrize("name", BAD_VALUES)
def test_value_that_cannot_be_meant_is_refused(get, path, name):
    value, message = BAD_VALUES[name]
    assert get(f"{path}/?{name}={value}", 400)["errors"] == {name: [message]}


@pytest.mark.parametrize("path", ["rollouts", "waves"])
def test_every_bad_value_is_told_at_once(get, path):
    query = "&".join(f"{name}={value}" for name, (value, _) in BAD_VALUES.items())
    assert get(f"{path}/?{query}", 400)["errors"] == {name: [text] for name, (_, text) in BAD_VALUES.items()}


@pytest.mark.parametrize("name", BAD_VALUES)
def test_nul_is_refused(get, name):
    assert list(get(f"waves/?{name}=%00", 400)["errors"]) == [name]


@pytest.mark.parametrize(
    "ordering", ["users", "--code", "code,count", "rollout__lead_ministry__contacts__email"]
)
def test_order_that_is_not_offered_is_refused(get, ordering):
    assert list(get(f"waves/?ordering={ordering}", 400)["errors"]) == ["ordering"]


WAVES = [
    ("", ["w7", "w1", "w2", "w4", "w3", "w5", "w6"]),
    ("ministry=moj", ["w7", "w4", "w3", "w5", "w6"]),
    ("ministry=ppc", ["w7", "w4", "w3", "w5", "w6"]),
    ("ministry=ppc&cohort=c1", []),
    ("cohort=c1", ["w1", "w2"]),
    ("status=planned", ["w2", "w3", "w5"]),
    ("fiscal_year=2026", ["w2", "w4", "w3"]),
    ("fiscal_year=R8", ["w2", "w4", "w3"]),
    ("fiscal_year=R8年度", ["w2", "w4", "w3"]),
    ("fiscal_year=R9", []),
    ("cutover_after=2026-06-30", ["w2", "w4", "w3", "w5"]),
    ("cutover_after=2026-07-01", ["w4", "w3", "w5"]),
    ("cutover_before=2027-01-01", ["w7", "w1", "w2", "w3"]),
    ("cutover_before=2026-05-31", ["w7", "w1"]),
    ("cutover_after=2027-01-01&cutover_before=2027-01-31", ["w4", "w3"]),
    ("unconfirmed=true", ["w2"]),
    ("unconfirmed=FALSE", ["w7", "w1", "w4", "w3", "w5", "w6"]),
    ("unconfirmed=true&status=in_use", []),
    ("search=子ども", ["w1", "w2"]),
    ("search=justice", ["w7", "w4", "w3", "w5", "w6"]),
    ("search=庁 ppc", ["w7", "w4", "w3", "w5", "w6"]),
    ("search=地方", ["w7", "w4", "w3", "w5", "w6"]),
    ("search=w3", ["w3"]),
    ("search=early", ["w1", "w2"]),
    ("search=nobody", []),
    ("ordering=-code", ["w7", "w6", "w5", "w4", "w3", "w2", "w1"]),
    ("ordering=cutover", ["w7", "w1", "w2", "w4", "w3", "w5", "w6"]),
    ("ordering=-cutover", ["w3", "w4", "w2", "w1", "w7", "w5", "w6"]),
    ("ordering=ministry,-code", ["w7", "w6", "w5", "w4", "w3", "w2", "w1"]),
    ("ordering=-cohort", ["w3", "w4", "w5", "w6", "w7", "w1", "w2"]),
    ("ordering=status", ["w6", "w2", "w3", "w5", "w4", "w1", "w7"]),
]


@pytest.mark.usefixtures("plan")
@pytest.mark.parametrize(("query", "found"), WAVES)
def test_waves_are_found_in_order(codes, query, found):
    assert codes(f"waves/?{query}") == found


ROLLOUTS = [
    ("", ["early", "late"]),
    ("ministry=cfa", ["early"]),
    ("ministry=npa", ["late"]),
    ("cohort=c2", ["late"]),
    ("status=planned", ["early", "late"]),
    ("fiscal_year=2026", ["early", "late"]),
    ("fiscal_year=2025", ["early", "late"]),
    ("fiscal_year=2026&status=preparing", ["late"]),
    ("fiscal_year=2025&status=planned", []),
    ("cutover_after=2026-07-01", ["late"]),
    ("cutover_before=2025-05-01", ["early", "late"]),
    ("cutover_before=2025-04-30", ["late"]),
    ("unconfirmed=true", ["early"]),
    ("unconfirmed=false", ["late"]),
    ("unconfirmed=false&status=in_use", []),
    ("search=庁", ["early", "late"]),
    ("search=npa ppc", ["late"]),
    ("search=子ども late", []),
    ("ordering=-code", ["late", "early"]),
    ("ordering=ministry", ["late", "early"]),
    ("ordering=-cohort", ["late", "early"]),
    ("ordering=cutover", ["late", "early"]),
    ("ordering=-cutover", ["early", "late"]),
]


@pytest.mark.usefixtures("plan")
@pytest.mark.parametrize(("query", "found"), ROLLOUTS)
def test_rollouts_are_found_in_order_each_once(codes, query, found):
    assert codes(f"rollouts/?{query}") == found


def test_rollout_without_waves_is_still_listed(codes):
    RolloutFactory(code="bare", cohort__code="c")
    assert [codes(f"rollouts/?{query}") for query in ("cohort=c", "unconfirmed=false", "status=planned")] == [
        ["bare"],
        ["bare"],
        [],
    ]


@pytest.mark.parametrize("name", ["ministry", "status", "fiscal_year", "unconfirmed", "search", "ordering"])
@pytest.mark.parametrize("path", ["waves/", "rollouts/"])
def test_parameter_without_a_value_is_not_ignored(get, db, path, name):
    message = f"「{name}」の値がありません。値を入れるか、「{name}」をやめてください。"
    assert get(f"{path}?{name}=", 400)["errors"] == {name: [message]}


@pytest.mark.parametrize("name", ["ministry", "cohort", "fiscal_year"])
@pytest.mark.parametrize("path", ["waves/", "rollouts/"])
@pytest.mark.parametrize("text", ["%25", "%25s", "%25(x)s", "100%25"])
def test_percent_sign_is_a_character_like_others(get, db, path, name, text):
    assert list(get(f"{path}?{name}={text}", 400)["errors"]) == [name]
