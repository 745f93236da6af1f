"""Rows written from the values of a body: checked as the model checks them, saved by one action each."""

from collections.abc import Collection, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from ministries.models import Ministry
from rollout import actions
from rollout.actions import Actor, Evidence
from rollout.domain.dates import UNDECIDED
from rollout.models import Rollout, RolloutCoverage, Wave

Values = Mapping[str, Any]


class Author:
    """Who writes, why, and on what it rests: the same for all rows of one request."""

    def __init__(self, actor: Actor, values: Values) -> None:
        self._signature: dict[str, Any] = {"actor": actor, "reason": values["reason"]}
        self._evidence = Evidence(**values["evidence"]) if "evidence" in values else None
        self._has_cited = False

    def save(self, row: models.Model, values: Values) -> None:
        """Write the values into the row; one that is as it was gets no new version.

        Raises ValidationError, by field, for what the model or a rule of the plan refuses.
        """
        if fill(row, values):
            evidence = self._evidence if actions.cited_subjects(row) else None
            actions.save_row(row=row, evidence=evidence, **self._signature)
            self._has_cited |= evidence is not None

    def delete(self, row: models.Model) -> None:
        """Delete a row that is part of another."""
        actions.delete_row(row=row, **self._signature)

    def check_cited(self) -> None:
        """Raise ValidationError when there is evidence, and nothing was written that could rest on it."""
        if self._evidence and not self._has_cited:
            raise ValidationError({"evidence": actions.NOTHING_CITED})


def save_rollout(row: Rollout, values: dict[str, Any], author: Author) -> None:
    """Write a rollout, the ministries that it also covers where they are told, and the waves of a new one."""
    covered, waves = values.pop("also_covers", None), values.pop("waves", None)
    is_new = row.pk is None
    author.save(row, values)
    if covered is not None:
        _cover(row, covered, author)
    for wave in (waves or [{"code": f"{row.code[:58]}-1", "cutover": UNDECIDED}]) if is_new else ():
        author.save(Wave(rollout=row), wave)


def fill(row: models.Model, values: Values) -> bool:
    """Put the values into the row and check them; False when it has them all already.

    Rows that the values name exist: who read them has looked. Raises ValidationError by field.
    """
    before = _columns(row)
    for name, value in values.items():
        setattr(row, name, value)
    if row.pk is not None and _columns(row) == before:
        return False
    is_plan = isinstance(row, Rollout | Wave)  # whose codes are for good
    relations = {field.name for field in row._meta.concrete_fields if field.is_relation}
    row.full_clean(
        exclude=relations,
        validate_unique=row.pk is None or not is_plan,
        validate_constraints=not is_plan,  # its actions check the same, in fewer queries
    )
    return True


def _cover(rollout: Rollout, ministries: Collection[Ministry], author: Author) -> None:
    rows = {row.ministry_id: row for row in rollout.coverages.all()}
    wanted = {ministry.pk: ministry for ministry in ministries}
    for key in rows.keys() - wanted.keys():
        author.delete(rows[key])
    for key in wanted.keys() - rows.keys():
        author.save(RolloutCoverage(rollout=rollout), {"ministry": wanted[key]})


def _columns(row: models.Model) -> dict[str, Any]:
    """As the database has them: two texts may mean the same."""
    fields = row._meta.concrete_fields
    return {field.name: field.get_prep_value(getattr(row, field.attname)) for field in fields}
