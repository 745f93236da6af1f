"""Every named constraint holds in the database itself, whatever goes past forms and actions."""

from datetime import UTC, date, datetime

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.models import UniqueConstraint
from django.utils import timezone

from ministries.models import Assignment, Contact, Ministry
from rollout.domain.audience import AUDIENCE_PARTIES
from rollout.domain.plan import MAX_USERS
from rollout.models import (
    Baseline,
    Citation,
    Cohort,
    FreezePeriod,
    MonthlyLimit,
    Observation,
    PlanImport,
    PlanVersion,
    Projection,
    Reminder,
    ReminderRule,
    Rollout,
    RolloutCoverage,
    Scenario,
    ScenarioChange,
    SlipAssumption,
    Source,
    Target,
    WarningAcceptance,
    Wave,
)
from rollout.models.reminders import AUDIENCE_FIELDS
from signin.models import ProviderAccount, ServiceToken
from tests.factories import (
    AssignmentFactory,
    BaselineFactory,
    CohortFactory,
    ContactFactory,
    FreezePeriodFactory,
    MinistryFactory,
    MonthlyLimitFactory,
    ObservationFactory,
    ReminderRuleFactory,
    RolloutFactory,
    ScenarioChangeFactory,
    ScenarioFactory,
    ServiceTokenFactory,
    SlipAssumptionFactory,
    SourceFactory,
    TargetFactory,
    UserFactory,
    WarningAcceptanceFactory,
    WaveFactory,
)

pytestmark = pytest.mark.django_db

TOO_MANY = MAX_USERS + 1
NUMBER = "8000012010038"
FAR_AHEAD = datetime(2099, 1, 1, tzinfo=UTC)


def make_coverage():
    return RolloutCoverage.objects.create(rollout=RolloutFactory(), ministry=MinistryFactory())


def make_citation():
    values = {"rollout": RolloutFactory(), "source": SourceFactory(), "text": "約100人"}
    return Citation.objects.create(subject="users", adopted=True, locator="1", **values)


def make_wave_citation():
    citation = make_citation()
    citation.wave = WaveFactory(rollout=citation.rollout)
    citation.save()
    return citation


def make_wave_change():
    wave = WaveFactory()
    return ScenarioChangeFactory(rollout=wave.rollout, wave=wave)


def make_reminder():
    values = {"wave": WaveFactory(), "rule": ReminderRuleFactory(), "due_at": timezone.now()}
    return Reminder.objects.create(address="a@example.go.jp", cutover_version=1, **values)


def make_reminder_without_wave():
    rule = ReminderRuleFactory(kind="digest")
    return Reminder.objects.create(rule=rule, address="a@example.go.jp", due_at=timezone.now())


def make_projection():
    moment = {"today": date(2026, 11, 23), "computed_at": timezone.now()}
    return Projection.objects.create(basis="group", data_version=1, result={}, allocation=b"", **moment)


MAKERS = {
    Assignment: AssignmentFactory,
    Ministry: MinistryFactory,
    Contact: ContactFactory,
    Source: SourceFactory,
    Cohort: CohortFactory,
    Target: TargetFactory,
    Observation: ObservationFactory,
    Rollout: RolloutFactory,
    RolloutCoverage: make_coverage,
    Wave: WaveFactory,
    Citation: make_citation,
    ReminderRule: ReminderRuleFactory,
    Reminder: make_reminder,
    PlanImport: lambda: PlanImport.objects.create(kind="wave", file_name="a.csv"),
    PlanVersion: lambda: PlanVersion.objects.current(),
    Projection: make_projection,
    Baseline: BaselineFactory,
    Scenario: ScenarioFactory,
    ScenarioChange: ScenarioChangeFactory,
    SlipAssumption: SlipAssumptionFactory,
    FreezePeriod: FreezePeriodFactory,
    MonthlyLimit: MonthlyLimitFactory,
    WarningAcceptance: WarningAcceptanceFactory,
    ServiceToken: ServiceTokenFactory,
    "citation of a wave": make_wave_citation,
    "change of a wave": make_wave_change,
    "reminder of no wave": make_reminder_without_wave,
}

# The values that an update may not write, by constraint; a string stands for the row's own column.
BROKEN_ROWS = {
    "ministry_not_its_own_parent": (Ministry, {"parent_id": "id"}),
    "ministry_kind_known": (Ministry, {"kind": "club"}),
    "ministry_corporate_number_digits": (Ministry, {"corporate_number": "800001201003X"}),
    "contact_role_known": (Contact, {"role": "boss"}),
    "source_kind_known": (Source, {"kind": "rumour"}),
    "cohort_not_inside_itself": (Cohort, {"inside_id": "id"}),
    "cohort_reading_known": (Cohort, {"reading": "guess"}),
    "cohort_users_in_range": (Cohort, {"published_users": TOO_MANY}),
    "cohort_rounding_unit_in_range": (Cohort, {"rounding_unit": 0}),
    "cohort_fiscal_year_in_range": (Cohort, {"fiscal_year": 1999}),
    "target_users_in_range": (Target, {"users": 0}),
    "import_kind_known": (PlanImport, {"kind": "guess"}),
    "import_state_known": (PlanImport, {"state": "guess"}),
    "target_reading_known": (Target, {"reading": "guess"}),
    "observation_users_in_range": (Observation, {"users": TOO_MANY}),
    "observation_is_dated": (Observation, {"as_of_latest": None}),
    "rollout_users_in_range": (Rollout, {"users": TOO_MANY}),
    "rollout_weight_in_range": (Rollout, {"weight": 0}),
    "wave_status_known": (Wave, {"status": "late"}),
    "wave_users_in_range": (Wave, {"users": TOO_MANY}),
    "wave_cutover_consistent": (Wave, {"cutover_precision": "week"}),
    "wave_in_use_is_dated": (
        Wave,
        {"status": "in_use", "cutover_latest": None, "cutover_open_ended": True},
    ),
    "wave_not_merged_into_itself": (Wave, {"merged_into_id": "id", "status": "cancelled"}),
    "citation_subject_known": (Citation, {"subject": "price"}),
    "rule_kind_known": (ReminderRule, {"kind": "whim"}),
    "rule_unit_known": (ReminderRule, {"unit": "moons"}),
    "rule_direction_known": (ReminderRule, {"direction": "beside"}),
    "rule_precision_known": (ReminderRule, {"precision": "week"}),
    "rule_count_in_range": (ReminderRule, {"count": 1001}),
    "rule_repeats_after_some_time": (ReminderRule, {"kind": "overdue", "count": 0}),
    "rule_escalation_follows": (ReminderRule, {"kind": "escalation"}),
    "rule_addresses_somebody": (ReminderRule, dict.fromkeys(AUDIENCE_FIELDS, False)),
    "rule_grace_in_range": (ReminderRule, {"grace_business_days": 61}),
    "reminder_state_known": (Reminder, {"state": "lost"}),
    "reminder_sent_has_time": (Reminder, {"state": "sent"}),
    "reminder_sending_is_claimed": (Reminder, {"state": "sending"}),
    "plan_version_only_row": (PlanVersion, {"id": 2}),
    "projection_basis_known": (Projection, {"basis": "guess"}),
    "cohort_multiple_of_a_fiscal_year": (Cohort, {"published_multiple": 2}),
    "rollout_weight_scope_known": (Rollout, {"weight_scope": "world"}),
    "citation_says_what_its_subject_is": (Citation, {"says_cutover": "R8.6"}),
    "citation_users_in_range": (Citation, {"says_users": TOO_MANY}),
    "baseline_moment_has_passed": (Baseline, {"moment": FAR_AHEAD}),
    "scenario_state_known": (Scenario, {"state": "lost"}),
    "scenario_change_field_known": (ScenarioChange, {"field": "price"}),
    "slip_assumption_only_row": (SlipAssumption, {"code": "other"}),
    "slip_assumption_in_order": (SlipAssumption, {"earliest_months": 2}),
    "slip_assumption_learns_from_some": (SlipAssumption, {"learn_from": 0}),
    "freeze_period_in_order": (FreezePeriod, {"last_day": date(2027, 5, 31)}),
    "monthly_limit_limits_something": (MonthlyLimit, {"cutovers": None}),
    "warning_acceptance_kind_known": (WarningAcceptance, {"kind": "whim"}),
    "service_token_opens_something": (ServiceToken, {"reads": False}),
    "warning_acceptance_has_reason": (WarningAcceptance, {"reason": ""}),
}

# What a second row must differ in to break one uniqueness alone, by constraint; the first row's values.
REPEATED_ROWS = {
    "ministry_corporate_number_unique": (
        Ministry,
        {"corporate_number": NUMBER},
        {"code": "other", "name": "別の省"},
    ),
    "contact_email_unique_in_ministry": (Contact, {"email": "a@example.go.jp"}, {"email": "A@example.go.jp"}),
    "cohort_order_unique": (Cohort, {}, {"code": "other"}),
    "cohort_fiscal_year_unique": (Cohort, {"fiscal_year": 2026}, {"code": "other", "order": 99}),
    "target_one_per_deadline": (Target, {}, {"code": "other"}),
    "observation_source_as_of_unique": (Observation, {}, {"users": 2}),
    "assignment_once": (Assignment, {}, {}),
    "coverage_once": (RolloutCoverage, {}, {}),
    "citation_once": (Citation, {}, {"adopted": False}),
    "citation_one_adopted": (Citation, {}, {"locator": "2"}),
    "citation_once_a_wave": ("citation of a wave", {}, {"adopted": False}),
    "citation_one_adopted_a_wave": ("citation of a wave", {}, {"locator": "2"}),
    "scenario_change_once_a_rollout": (ScenarioChange, {}, {"value": "R9.4"}),
    "scenario_change_once_a_wave": ("change of a wave", {}, {"value": "R9.4"}),
    "reminder_without_wave_owed_once": (
        "reminder of no wave",
        {},
        {"message_id": "<other@example.go.jp>", "cutover_version": 1},
    ),
    "warning_acceptance_once": (WarningAcceptance, {}, {"reason": "別の理由"}),
    "reminder_owed_once": (Reminder, {}, {"message_id": "<other@example.go.jp>"}),
}

BROKEN_TWICE = {
    "cohort_inside_is_a_size": lambda: Cohort.objects.filter(pk=CohortFactory().pk).update(
        inside=CohortFactory(), reading="ambiguous"
    ),
    "provider_account_once_per_subject": lambda: [
        ProviderAccount.objects.create(user=UserFactory(), issuer="https://id.example.go.jp", subject="1")
        for _ in range(2)
    ],
    "wave_merged_is_cancelled": lambda: Wave.objects.filter(pk=WaveFactory().pk).update(
        merged_into=WaveFactory()
    ),
}


def assert_broken(error, name):
    """The database names this constraint and no other."""
    if connection.vendor == "postgresql":
        assert error.__cause__.diag.constraint_name == name
        return
    columns = sqlite_columns(name)
    messages = {f"CHECK constraint failed: {name}", f"UNIQUE constraint failed: index '{name}'", columns}
    assert str(error) in messages


def sqlite_columns(name):
    """SQLite does not name a constraint over plain columns; it lists them."""
    for model in OUR_MODELS:
        for constraint in model._meta.constraints:
            if constraint.name == name and isinstance(constraint, UniqueConstraint):
                columns = [model._meta.get_field(field).column for field in constraint.fields]
                named = ", ".join(f"{model._meta.db_table}.{column}" for column in columns)
                return f"UNIQUE constraint failed: {named}"
    return None


OUR_MODELS = [
    model for app in ("ministries", "rollout", "signin") for model in apps.get_app_config(app).get_models()
]


@pytest.mark.parametrize(
    ("name", "model", "values"), [(name, *row) for name, row in BROKEN_ROWS.items()], ids=BROKEN_ROWS
)
def test_constraint_refuses_a_broken_row(name, model, values):
    row = MAKERS[model]()
    own = {column: row.pk if value == "id" else value for column, value in values.items()}
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        model.objects.filter(pk=row.pk).update(**own)
    assert_broken(caught.value, name)


@pytest.mark.parametrize(
    ("name", "model", "first", "second"),
    [(name, *row) for name, row in REPEATED_ROWS.items()],
    ids=REPEATED_ROWS,
)
def test_constraint_refuses_a_second_row(name, model, first, second):
    row = MAKERS[model](**first)
    for column, value in {"pk": None, **second}.items():
        setattr(row, column, value)
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        type(row).objects.bulk_create([row])
    assert_broken(caught.value, name)


@pytest.mark.parametrize("name", BROKEN_TWICE)
def test_constraint_refuses_two_columns_that_contradict(name):
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        BROKEN_TWICE[name]()
    assert_broken(caught.value, name)


REPEATING = ("overdue", "unconfirmed", "digest")


@pytest.mark.parametrize("kind", REPEATING)
def test_rule_of_each_repeated_kind_needs_an_interval(kind):
    row = ReminderRuleFactory(kind=kind)
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        ReminderRule.objects.filter(pk=row.pk).update(count=0)
    assert_broken(caught.value, "rule_repeats_after_some_time")


def test_rule_that_escalates_nothing_follows_nothing():
    row, other = ReminderRuleFactory(), ReminderRuleFactory()
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        ReminderRule.objects.filter(pk=row.pk).update(follows=other)
    assert_broken(caught.value, "rule_escalation_follows")


@pytest.mark.parametrize("field", AUDIENCE_FIELDS)
def test_rule_takes_any_one_audience(field):
    values = dict.fromkeys(AUDIENCE_FIELDS, False) | {field: True}
    assert ReminderRuleFactory(**values).parties == {AUDIENCE_PARTIES[field]}


def test_rule_of_changes_needs_no_audience():
    assert ReminderRuleFactory(kind="change", **dict.fromkeys(AUDIENCE_FIELDS, False)).parties == frozenset()


def test_every_constraint_has_a_test():
    declared = sorted(constraint.name for model in OUR_MODELS for constraint in model._meta.constraints)
    assert declared == sorted([*BROKEN_ROWS, *REPEATED_ROWS, *BROKEN_TWICE])


DATES_THAT_FIT = {
    "undecided": "検討中",
    "a day": "R8.6.15",
    "a month that goes on": "R8.6~",
    "without end": "R8年度以降",
}


@pytest.mark.parametrize("cutover", DATES_THAT_FIT.values(), ids=DATES_THAT_FIT)
def test_wave_takes_every_sort_of_date(cutover):
    assert WaveFactory(cutover=cutover).cutover.text == cutover


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"cutover_latest": date(2026, 12, 31)}, id="latest before earliest"),
        pytest.param({"cutover_precision": ""}, id="no precision"),
        pytest.param({"cutover_precision": "week"}, id="unknown precision"),
        pytest.param({"cutover_latest": None}, id="no latest and not open"),
        pytest.param({"cutover_earliest": None}, id="no earliest"),
        pytest.param(
            {"cutover_earliest": None, "cutover_latest": None},
            id="undecided with a precision",
        ),
    ],
)
def test_wave_refuses_bounds_that_contradict(values):
    row = WaveFactory(cutover="R9.1")
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        Wave.objects.filter(pk=row.pk).update(**values)
    assert_broken(caught.value, "wave_cutover_consistent")


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"as_of_open_ended": True}, id="without end"),
        pytest.param({"as_of_precision": ""}, id="no precision"),
        pytest.param({"as_of_earliest": date(2030, 1, 1)}, id="latest before earliest"),
        pytest.param({"as_of_earliest": None}, id="no earliest"),
    ],
)
def test_observation_refuses_bounds_that_contradict(values):
    row = ObservationFactory()
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        Observation.objects.filter(pk=row.pk).update(**values)
    assert_broken(caught.value, "observation_is_dated")


@pytest.mark.parametrize("edge", [0, MAX_USERS, None])
def test_wave_takes_counts_up_to_the_edges(edge):
    assert WaveFactory(users=edge).users == edge


def test_target_allows_one_per_deadline_and_one_final():
    for by in (None, date(2027, 3, 31), date(2028, 3, 31)):
        TargetFactory(by=by)
    assert Target.objects.count() == 3
