"""A new document put into force: regrouped in one go, last year's still to be read, nothing half done."""

import pytest
from django.core.exceptions import ValidationError

from rollout.documents import NOTHING_CHANGES, REASON_NEEDED, Document, Entry, put_into_force
from rollout.domain.plan import is_same
from rollout.models import Baseline, Cohort, Rollout, Source, Target
from rollout.reader import read_plan
from tests.admin.edits import everything

pytestmark = pytest.mark.usefixtures("seeded")

WHY = "令和9年度予算案の公表"


def new_source():
    return Source(
        code="budget-r9", title="令和9年度予算", publisher="デジタル庁", published_on="R8.12", kind="primary"
    )


def members(*cohorts):
    rows = Rollout.objects.filter(cohort__code__in=cohorts).order_by("cohort__order", "order", "code")
    return [row.code for row in rows]


def cohort(code, **changes):
    row = Cohort.objects.select_related("inside").filter(code=code).first() or Cohort(code=code)
    for name, value in changes.items():
        setattr(row, name, value)
    return row


def as_it_is():
    """The entries of the plan as it stands."""
    rows = Cohort.objects.select_related("inside").order_by("order")
    return [Entry(row, row.inside.code if row.inside else "", members(row.code)) for row in rows]


def regrouped():
    """令和7年度 has moved in; what was 令和8年度 stands first among the rest; a new group comes."""
    return [
        Entry(cohort("in-use", published_users=72_000), "", members("in-use", "fy2025")),
        Entry(
            cohort(
                "fy2026", order=2, label="令和8年度に導入完了予定", fiscal_year=None, published_multiple=None
            ),
            "",
            members("fy2026"),
        ),
        Entry(
            cohort(
                "fy2027-onward",
                label="令和9年度以降",
                order=3,
                published_users=272_000,
                reading="running_total",
            ),
            "",
            members("fy2026-onward"),
        ),
    ]


def put(entries, reason=WHY, source=None, **changes):
    document = Document(source or new_source(), entries, **changes)
    baseline = Baseline(code="before-r9", label="R8予算資料による計画")
    return put_into_force(document=document, baseline=baseline, actor=None, reason=reason)


def refusals(entries, **values):
    before = everything()
    with pytest.raises(ValidationError) as caught:
        put(entries, **values)
    assert everything() == before
    return caught.value.messages


def changed(number, **changes):
    """The plan as it stands, one entry otherwise."""
    entries = as_it_is()
    entry = entries[number]
    values = {"cohort": entry.cohort, "inside": entry.inside, "members": entry.members, **changes}
    entries[number] = Entry(**values)
    return entries


WRONG = [
    pytest.param(list, ["導入区分を1つ以上入力してください。"], id="no cohort"),
    pytest.param(
        lambda: changed(0, members=members("in-use")[1:]),
        ["導入案件 digital-agency（デジタル庁）が、どの区分にもありません。1つの区分に書いてください。"],
        id="a rollout is missing",
    ),
    pytest.param(
        lambda: changed(0, members=[*members("in-use"), "nta"]),
        ["導入案件 nta が2回書かれています。1つの区分だけに書いてください。"],
        id="a rollout stands twice",
    ),
    pytest.param(
        lambda: changed(0, members=[*members("in-use"), "nobody"]),
        ["導入案件 nobody は登録されていません。先に「導入案件」に追加するか、コードを直してください。"],
        id="an unknown rollout",
    ),
    pytest.param(
        lambda: changed(1, cohort=cohort("fy2025", order=1)),
        ["「資料での順」の 1 が2つの導入区分にあります。1つにしてください。"],
        id="two of one order",
    ),
    pytest.param(
        lambda: changed(1, inside="fy2030"),
        ["「令和7年度に導入完了予定」の上位の区分 fy2030 が、この資料の区分にありません。"],
        id="an unknown one around it",
    ),
    pytest.param(
        lambda: changed(1, inside="fy2025"),
        ["「令和7年度に導入完了予定」の上位の区分をたどると、自分自身に戻ります。"],
        id="inside itself",
    ),
    pytest.param(
        lambda: changed(1, cohort=cohort("fy2025", reading="ambiguous"), inside="in-use"),
        ["「令和7年度に導入完了予定」には上位の区分があるので、公表人数は「この区分だけの人数」です。"],
        id="inside another and no size",
    ),
    pytest.param(
        lambda: changed(1, cohort=cohort("fy2025", published_multiple=2)),
        ["「令和7年度に導入完了予定」：倍率は、増加数を示す年度とあわせて入力してください。"],
        id="a multiple of no year",
    ),
]


@pytest.mark.parametrize(("entries", "messages"), WRONG)
def test_document_that_contradicts_itself_changes_nothing(entries, messages):
    assert refusals(entries()) == messages


def test_document_needs_a_reason():
    assert refusals(regrouped(), reason=" ") == [REASON_NEEDED]


def test_document_that_the_plan_follows_already_changes_nothing():
    source = Source.objects.get(code="budget-r8")
    assert refusals(as_it_is(), source=source, target_users=272_000) == [NOTHING_CHANGES]


def test_document_replaces_cohorts_and_members():
    put(regrouped())
    rows = Cohort.objects.order_by("order").values_list("code", "published_users", "source__code")
    assert list(rows) == [
        ("in-use", 72_000, "budget-r9"),
        ("fy2026", 80_000, "budget-r9"),
        ("fy2027-onward", 272_000, "budget-r9"),
    ]
    assert Rollout.objects.get(code="moj").cohort.code == "in-use"


def test_last_years_document_stays_readable():
    before = read_plan()[0]
    put(regrouped())
    assert is_same(read_plan(Baseline.objects.get(code="before-r9").moment)[0], before)
    assert [version.history_type for version in Cohort.history.filter(code="fy2025")] == ["-", "+"]
    assert Cohort.history.filter(code="fy2025").first().order == 2


def test_every_change_is_signed_and_every_rollout_saved_once(django_user_model):
    moved = set(members("fy2025", "fy2026-onward"))
    versions = {row.code: row.history.count() for row in Rollout.objects.all()}
    rows = put(regrouped())
    again = {row.code for row in Rollout.objects.all() if row.history.count() == versions[row.code] + 1}
    assert {row.code for row in rows if isinstance(row, Rollout)} == again
    assert moved <= again
    assert {row.history.first().history_change_reason for row in Rollout.objects.filter(code__in=again)} == {
        WHY
    }


def test_cohorts_change_places():
    entries = as_it_is()
    entries[0].cohort.order, entries[1].cohort.order = 2, 1
    put(entries)
    assert list(Cohort.objects.values_list("code", "order"))[:2] == [("fy2025", 1), ("in-use", 2)]


def test_cohort_that_stays_as_it_is_gets_no_version():
    count = Cohort.objects.get(code="fy2026").history.count()
    put(
        changed(0, cohort=cohort("in-use", published_users=48_000)),
        source=Source.objects.get(code="budget-r8"),
    )
    fy2026 = Cohort.objects.get(code="fy2026")
    assert (fy2026.order, fy2026.fiscal_year, fy2026.published_multiple) == (4, 2026, 2)
    assert fy2026.history.count() == count


def test_document_names_another_target():
    put(regrouped(), target_users=300_000)
    target = Target.objects.get(by=None)
    assert (target.users, target.source.code) == (300_000, "budget-r9")
