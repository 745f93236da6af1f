"""Edits of the published plan, each through an action: one for every cause of a moved figure."""

from ministries.models import Ministry
from rollout import actions
from rollout.models import Citation, Cohort, Rollout, RolloutCoverage, Source, Target, Wave
from tests.factories import CohortFactory, MinistryFactory, RolloutFactory, SourceFactory, WaveFactory


def move(code, cutover):
    wave = Wave.objects.get(code=code)
    wave.cutover = cutover
    actions.save_row(row=wave, actor=None, reason="変更")


def withdraw(code):
    wave = Wave.objects.get(code=code)
    wave.status = "cancelled"
    actions.save_row(row=wave, actor=None, reason="中止")


def publish(users):
    cohort = Cohort.objects.get(code="fy2026-onward")
    cohort.published_users = users
    actions.save_row(row=cohort, actor=None, reason="新しい資料")


def change(row, **values):
    for name, value in values.items():
        setattr(row, name, value)
    actions.save_row(row=row, actor=None, reason="変更")


def remove(row):
    actions.delete_row(row=row, actor=None, reason="削除")


EDITS = [
    lambda: move("nta-1", "R8.9"),
    lambda: move("jftc-1", "検討中"),
    lambda: withdraw("meti-1"),
    lambda: publish(280_000),
    lambda: WaveFactory(rollout=RolloutFactory(cohort=CohortFactory(), users=500), cutover="R9.2.15"),
    lambda: actions.delete_row(row=Rollout.objects.get(code="isa"), actor=None, reason="統合"),
    lambda: actions.delete_row(row=Target.objects.get(code="gss-total"), actor=None, reason="見直し"),
]

REWORDINGS = [
    lambda: change(Ministry.objects.get(code="maff"), name="食料省", aliases="農水省\n旧農林", order="0.5"),
    lambda: change(Ministry.objects.get(code="nta"), code="tax-agency"),
    lambda: change(Citation.objects.get(subject="users", rollout__code="nta"), text="約7万人", locator="p.9"),
    lambda: remove(Citation.objects.get(source__code="report-2023", rollout__code="npa")),
    lambda: change(Source.objects.get(code="budget-r8"), code="zz-budget", title="改訂された資料"),
    lambda: remove(
        RolloutCoverage.objects.get(rollout__code="cabinet-office", ministry__code="reconstruction-agency")
    ),
    lambda: change(
        RolloutCoverage(rollout=Rollout.objects.get(code="mof"), ministry=MinistryFactory(name="造幣庁"))
    ),
    lambda: change(
        Rollout.objects.get(code="nra"), lead_ministry=MinistryFactory(code="new", name="新庁"), scope="本庁"
    ),
    lambda: change(Rollout.objects.get(code="mic"), cohort=Cohort.objects.get(code="fy2025"), order=9),
    lambda: change(Wave.objects.get(code="cfa-1"), rollout=Rollout.objects.get(code="caa")),
    lambda: change(
        Cohort.objects.get(code="fy2025"), code="r7", source=SourceFactory(), label="七年度", order=77
    ),
]
"""Edits of what surrounds the figures: names, aliases, words of sources, coverage, membership, codes."""
