"""Edits of the published plan, each through an action: one for every cause of a moved figure."""

from rollout import actions
from rollout.models import Cohort, Rollout, Target, Wave
from tests.factories import CohortFactory, RolloutFactory, WaveFactory


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


EDITS = [
    lambda: move("nta-1", "R8.9"),
    lambda: move("jftc-1", "検討中"),
    lambda: withdraw("meti-1"),
    lambda: publish(280_000),
    lambda: WaveFactory(rollout=RolloutFactory(cohort=CohortFactory(), users=500), cutover="R9.2.15"),
    lambda: actions.delete_row(row=Rollout.objects.get(code="isa"), actor=None, reason="統合"),
    lambda: actions.delete_row(row=Target.objects.get(code="gss-total"), actor=None, reason="見直し"),
]
