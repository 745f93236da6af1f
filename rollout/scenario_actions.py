"""What a person may do to a scenario: write it, have it become the plan, decline it. As in `rollout.actions`:
atomic, the version row locked first, and rules broken raise ValidationError with nothing written."""

from collections.abc import Iterable
from copy import copy
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout.actions import Actor, check_wave, save_row, sign, stored_value
from rollout.models import PlanVersion, Rollout, Scenario, ScenarioChange, Wave
from rollout.scenarios import Step, steps_now

PROMOTED_IS_FROZEN = _("計画に反映済みの試算は変更できません。新しい試算を作ってください。")
WAVE_NEEDED = _(
    "この導入案件の移行単位はすべて「利用中」か「中止」です。それを変える試算なら、移行単位を選んでください。"
)
WAVE_MERGED = _("この移行単位は、別の移行単位に統合されています。統合先を選んでください。")
BY_HAND = (Scenario.State.DRAFT, Scenario.State.PROPOSED, Scenario.State.WITHDRAWN)
"""States that a person chooses: only promoting makes a scenario promoted, and declining declined."""
LOOK_AGAIN = _(
    "確認のあとで計画か試算が変わりました。まだ何も反映していません。"
    "変わったところを見て、もう一度反映してください。"
)


def check_reach(rollout: Rollout, wave: Wave | None, field: str | None) -> None:
    """Raise ValidationError when a change reaches no wave: of a merged one, or of a rollout without any."""
    if wave and wave.is_merged:
        raise ValidationError({"wave": WAVE_MERGED})
    speaks_of_waves = field in (ScenarioChange.Field.CUTOVER, ScenarioChange.Field.STATUS)
    if wave is None and speaks_of_waves and not rollout.waves.awaited().exists():
        raise ValidationError({"wave": WAVE_NEEDED})


@transaction.atomic
def save_scenario(
    *,
    scenario: Scenario,
    changes: Iterable[ScenarioChange] = (),
    removed: Iterable[ScenarioChange] = (),
    looked_again: bool = False,
    actor: Actor,
) -> Scenario:
    """Add or change a scenario with the `changes` that are new or edited; the plan stays as it is.

    Its author has then looked at the plan, unless only its name, note or state was edited; `looked_again`
    says so without an edit. Raises ValidationError for one that was promoted: its state is for
    `promote_scenario` alone.
    """
    PlanVersion.objects.lock()
    changes, removed = list(changes), list(removed)
    if Scenario.State.PROMOTED in (scenario.state, stored_value(scenario, "state")):
        raise ValidationError(PROMOTED_IS_FROZEN)
    is_new = scenario._state.adding
    if is_new:
        scenario.created_by_id = actor.pk if actor else None
    if is_new or changes or removed or looked_again:
        scenario.based_on = timezone.now()
    sign(scenario, actor, "")
    scenario.save()
    for change in removed:
        sign(change, actor, "")
        change.delete()
    for change in changes:
        change.scenario = scenario
        sign(change, actor, "")
        change.save()
    return scenario


@transaction.atomic
def promote_scenario(
    *, scenario: Scenario, actor: Actor, reason: str, seen_version: int, seen_based_on: datetime
) -> Scenario:
    """Write a scenario into the plan: every row that it changes once, with one reason, or nothing at all.

    `seen_version` is the number of the plan and `seen_based_on` the scenario's `based_on` that the person
    decided on. Raises ValidationError when either has moved since, when the scenario is not open, and for
    every row whose rule it would break. A row that already agrees gets no new version.
    """
    version = PlanVersion.objects.lock()
    scenario = Scenario.objects.with_changes().get(pk=scenario.pk)
    if not scenario.is_open:
        raise ValidationError(
            gettext("この試算は「{state}」なので、計画に反映できません。").format(
                state=scenario.get_state_display()
            )
        )
    if (version.number, scenario.based_on) != (seen_version, seen_based_on):
        raise ValidationError(LOOK_AGAIN)
    if not reason.strip():
        raise ValidationError({"reason": gettext("計画に反映する理由を書いてください。")})
    rows = promoted_rows(steps_now(scenario.changes.all()))
    if broken := broken_rules(rows):
        raise ValidationError(broken)
    why = f"試算「{scenario.label}」を反映：{reason.strip()}"
    for row in rows:
        save_row(row=row, actor=actor, reason=why)
    scenario.state = Scenario.State.PROMOTED
    sign(scenario, actor, reason.strip())
    scenario.save()
    return scenario


@transaction.atomic
def decline_scenario(*, scenario: Scenario, actor: Actor, reason: str, seen_based_on: datetime) -> Scenario:
    """Decline a proposal, with why in its history, where its author reads it.

    Raises ValidationError without a reason, when it is no proposal, and when its author has changed it since
    `seen_based_on`.
    """
    PlanVersion.objects.lock()
    scenario = Scenario.objects.get(pk=scenario.pk)
    if scenario.state != Scenario.State.PROPOSED:
        raise ValidationError(
            gettext("この試算は「{state}」なので、見送れません。").format(state=scenario.get_state_display())
        )
    if scenario.based_on != seen_based_on:
        raise ValidationError(LOOK_AGAIN)
    if not (why := reason.strip()):
        raise ValidationError({"reason": gettext("見送る理由を書いてください。")})
    scenario.state = Scenario.State.DECLINED
    sign(scenario, actor, why)
    scenario.save()
    return scenario


def promoted_rows(steps: Iterable[Step]) -> list[Rollout | Wave]:
    """The rows that these steps change, each once and with all its new facts, but not yet saved."""
    rows: dict[tuple[type[models.Model], int], Rollout | Wave] = {}
    for step in steps:
        if not step.changes_nothing:
            row = rows.setdefault((type(step.row), step.row.pk), copy(step.row))
            setattr(row, step.change.field, step.after)
    return list(rows.values())


def broken_rules(rows: Iterable[Rollout | Wave]) -> list[str]:
    """Why rows may not be saved as they are, naming each; nothing where all may."""
    return [
        gettext("{row}（{code}）：{message}").format(row=row, code=row.code, message=message)
        for row in rows
        if isinstance(row, Wave)
        for message in _messages(row)
    ]


def _messages(wave: Wave) -> list[str]:
    try:
        check_wave(wave)
    except ValidationError as error:
        return list(error.messages)
    return []
