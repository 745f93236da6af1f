"""Rows, constraints and QuerySets."""

from rollout.models.frame import Cohort, Observation, Source, Target
from rollout.models.plan import Citation, Rollout, RolloutCoverage, Wave
from rollout.models.reminders import Reminder, ReminderRule
from rollout.models.version import PlanVersion, Projection

__all__ = [
    "Citation",
    "Cohort",
    "Observation",
    "PlanVersion",
    "Projection",
    "Reminder",
    "ReminderRule",
    "Rollout",
    "RolloutCoverage",
    "Source",
    "Target",
    "Wave",
]
