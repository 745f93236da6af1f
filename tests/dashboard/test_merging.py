"""Merged waves in the comparison that the page shows."""

import pytest
import time_machine
from django.utils import timezone

from rollout import actions
from rollout.dashboard.differences import counts_text, list_waves
from rollout.domain.plan import Basis
from rollout.models import Baseline
from rollout.states import compare_baseline
from tests.conftest import SEED_NOW
from tests.factories import MinistryFactory, RolloutFactory, WaveFactory


@pytest.mark.django_db
def test_comparison_says_that_a_wave_was_merged():
    with time_machine.travel(SEED_NOW, tick=False) as clock:
        rollout = RolloutFactory(lead_ministry=MinistryFactory(name="国税庁"))
        one, two = (WaveFactory(rollout=rollout, name=name, users=20) for name in ("第1陣", "第2陣"))
        clock.shift(60)
        baseline = actions.save_baseline(row=Baseline(code="b", label="前回"), actor=None)
        clock.shift(60)
        actions.merge_waves(waves=[two], into=one, actor=None, reason="統合")
        clock.shift(60)
        waves = compare_baseline(baseline, Basis.CUMULATIVE, timezone.now()).waves()
    assert counts_text(waves) == "統合は 1件です。"
    rows = [(row.name, row.changes) for row in list_waves(waves, {}).rows]
    assert rows == [("国税庁 第2陣", ["統合"]), ("国税庁 第1陣", ["人数"])]
