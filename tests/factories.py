"""Rows for tests, each with the least that it needs."""

from datetime import timedelta

import factory
from django.contrib.auth import get_user_model
from django.utils import timezone

from ministries.models import Assignment, Contact, Ministry
from rollout.models import (
    Baseline,
    Cohort,
    FreezePeriod,
    MonthlyLimit,
    Observation,
    ReminderRule,
    Rollout,
    Scenario,
    ScenarioChange,
    SlipAssumption,
    Source,
    Target,
    WarningAcceptance,
    Wave,
)
from signin.models import ServiceToken


class MinistryFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Ministry

    code = factory.Sequence(lambda n: f"ministry-{n}")
    name = factory.Sequence(lambda n: f"第{n}省")
    kind = "ministry"
    order = factory.Sequence(lambda n: n + 100)


class ContactFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Contact

    ministry = factory.SubFactory(MinistryFactory)
    name = "担当者"
    email = factory.Sequence(lambda n: f"contact{n}@example.go.jp")


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = get_user_model()

    username = factory.Sequence(lambda n: f"user{n}")


class AssignmentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Assignment

    user = factory.SubFactory(UserFactory)
    ministry = factory.SubFactory(MinistryFactory)


class ServiceTokenFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ServiceToken

    user = factory.SubFactory(UserFactory)
    name = "Power BI"
    digest = factory.Sequence(lambda n: f"{n:0128x}")
    expiry = factory.LazyFunction(lambda: timezone.now() + timedelta(days=365))

    @classmethod
    def _create(cls, model_class, *args, **kwargs):
        return model_class.objects.bulk_create([model_class(*args, **kwargs)])[0]


class SourceFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Source

    code = factory.Sequence(lambda n: f"source-{n}")
    title = "資料"
    publisher = "発行者"
    published_on = "R7.8"
    kind = "primary"


class CohortFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Cohort

    code = factory.Sequence(lambda n: f"cohort-{n}")
    label = "区分"
    order = factory.Sequence(lambda n: n + 100)
    source = factory.SubFactory(SourceFactory)


class RolloutFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Rollout

    code = factory.Sequence(lambda n: f"rollout-{n}")
    cohort = factory.SubFactory(CohortFactory)
    lead_ministry = factory.SubFactory(MinistryFactory)


class WaveFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Wave

    rollout = factory.SubFactory(RolloutFactory)
    code = factory.Sequence(lambda n: f"wave-{n}")
    cutover = "R9.1"
    status = "planned"


class TargetFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Target

    code = factory.Sequence(lambda n: f"target-{n}")
    label = "目標"
    users = 1000
    source = factory.SubFactory(SourceFactory)


class ObservationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Observation

    as_of = "2024-03"
    users = 1000
    source = factory.SubFactory(SourceFactory)


class ReminderRuleFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ReminderRule

    code = factory.Sequence(lambda n: f"rule-{n}")
    label = "30日前"
    count = 30
    to_deputy = to_watchers = True
    subject = "{案件} 切替のお知らせ"
    body = "{宛名} 様 {切替予定} {お願い}"


class BaselineFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Baseline

    code = factory.Sequence(lambda n: f"baseline-{n}")
    label = factory.Sequence(lambda n: f"第{n}回の時点")
    moment = factory.LazyFunction(timezone.now)


class ScenarioFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Scenario

    code = factory.Sequence(lambda n: f"scenario-{n}")
    label = factory.Sequence(lambda n: f"第{n}案")


class ScenarioChangeFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ScenarioChange

    scenario = factory.SubFactory(ScenarioFactory)
    rollout = factory.SubFactory(RolloutFactory)
    field = "cutover"
    value = "R9.3"


class SlipAssumptionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = SlipAssumption

    earliest_months = 0
    likely_months = 1
    latest_months = 6
    note = "仮の値"


class FreezePeriodFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = FreezePeriod

    code = factory.Sequence(lambda n: f"freeze-{n}")
    label = "凍結"
    first_day = "2027-06-01"
    last_day = "2027-06-30"


class MonthlyLimitFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = MonthlyLimit

    from_fiscal_year = factory.Sequence(lambda n: 2026 + n)
    cutovers = 3


class WarningAcceptanceFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = WarningAcceptance

    wave = factory.SubFactory(WaveFactory)
    kind = "closed_day"
    cutover_version = 1
    reason = "休日の作業"
