"""Rows, constraints and QuerySets."""

from rollout.models.baseline import Baseline
from rollout.models.calendar import FreezePeriod, MonthlyLimit, WarningAcceptance
from rollout.models.citation import Citation
from rollout.models.frame import Cohort, Observation, Source, Target
from rollout.models.imports import PlanImport
from rollout.models.plan import Rollout, RolloutCoverage, Wave
from rollout.models.reminders import Reminder, ReminderRule
from rollout.models.risk import SlipAssumption
from rollout.models.scenario import Scenario, ScenarioChange
from rollout.models.version import PlanVersion, Projection

__all__ = [
    "Baseline",
    "Citation",
    "Cohort",
    "FreezePeriod",
    "MonthlyLimit",
    "Observation",
    "PlanImport",
    "PlanVersion",
    "Projection",
    "Reminder",
    "ReminderRule",
    "Rollout",
    "RolloutCoverage",
    "Scenario",
    "ScenarioChange",
    "SlipAssumption",
    "Source",
    "Target",
    "WarningAcceptance",
    "Wave",
]
