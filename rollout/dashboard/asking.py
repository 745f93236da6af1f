"""What can be asked of the front page, for its form."""

from typing import Any

from ministries.models import Ministry
from rollout.dashboard.questions import DAYS, Person, Question
from rollout.domain.plan import Basis
from rollout.domain.projection import Granularity
from rollout.history import rows_at
from rollout.models import Baseline, Cohort, Rollout
from rollout.models.labels import BASIS_LABELS, GRANULARITY_LABELS, moment_text
from rollout.models.visible import visible_scenarios


def offer(question: Question, user: Person) -> dict[str, Any]:
    """What is asked, and what else can be."""
    leads = rows_at(Rollout, question.moment).order_by().values("lead_ministry_id")
    ministries = rows_at(Ministry, question.moment).filter(id__in=leads)
    return {
        "question": question,
        "refused": question.refused,
        "basis": question.basis.value,
        "basis_label": BASIS_LABELS[question.basis.value],
        "readings": [(each.value, BASIS_LABELS[each.value], each is question.basis) for each in Basis],
        "granularities": [(each.value, GRANULARITY_LABELS[each]) for each in Granularity],
        "baselines": [(row, moment_text(row.moment)) for row in Baseline.objects.all()],
        "scenarios": list(visible_scenarios(user)),
        "cohorts": list(rows_at(Cohort, question.moment).order_by("order", "code")),
        "ministries": list(ministries.order_by("order", "code")),
        "choices_of_days": [(each, each == question.days) for each in DAYS],
    }
