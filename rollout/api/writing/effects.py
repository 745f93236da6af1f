"""What a change would do, before anybody makes it: to rows, figures and mails, and what the calendar says."""

from collections.abc import Callable
from datetime import date
from typing import Any

from django.db.models import Q
from django.utils import timezone
from rest_framework import serializers

from rollout.api.comparison import YearEndSerializer, year_end_json
from rollout.api.entries import KINDS, EntrySerializer, entries, with_previous
from rollout.api.projection import ProjectionConflictSerializer, conflict_json
from rollout.calendar_warnings import planned_users
from rollout.consequences import Consequences
from rollout.domain.comparison import year_ends
from rollout.domain.plan import Basis, Plan
from rollout.domain.projection import project
from rollout.history import newest_versions
from rollout.models.labels import WARNING_LABELS
from rollout.models.visible import sees_people
from rollout.reader import read_plan
from rollout.trial import try_out


class WarningSerializer(serializers.Serializer[Any]):
    """What the calendar says of a wave as it would be."""

    wave = serializers.CharField(help_text="Code of the wave.")
    kind = serializers.ChoiceField(list(WARNING_LABELS))
    text = serializers.CharField(help_text="In a sentence.")
    accepted = serializers.BooleanField(help_text="True when somebody has accepted it already.")


class MailCountsSerializer(serializers.Serializer[Any]):
    """Reminders that would no more, and that would now be sent; a moved one is in both."""

    cancelled = serializers.IntegerField()
    created = serializers.IntegerField()


class EffectsSerializer(serializers.Serializer[Any]):
    """What the request would do. Nothing of it has been done."""

    dry_run = serializers.BooleanField(help_text="Always true.")
    changes = EntrySerializer(many=True, help_text="Versions that would be written.")
    fiscal_years = YearEndSerializer(many=True, help_text="Planned users at the end of each, `cumulative`.")
    conflicts = ProjectionConflictSerializer(many=True, help_text="Those that there are not yet.")
    warnings = WarningSerializer(many=True)
    reminders = MailCountsSerializer()


def effects_json(act: Callable[[], object], waves: Q, user: Any) -> dict[str, Any]:
    """`EffectsSerializer`'s fields of what `act` does, which is taken back; `waves`: those it may touch."""
    consequences = Consequences(waves, timezone.now())
    newest = newest_versions(KINDS.values())

    def look() -> dict[str, Any]:
        act()
        found = [
            version
            for kind, number in newest.items()
            for version in with_previous(kind.history.filter(history_id__gt=number))  # type: ignore[attr-defined]
        ]
        mails = consequences.mails(waves, with_addresses=False) or []
        return {
            "changes": entries(found, show_people=sees_people(user)),
            "warnings": [
                {
                    "wave": shown.wave.code,
                    "kind": shown.warning.kind,
                    "text": shown.text,
                    "accepted": shown.acceptance is not None,
                }
                for shown in consequences.warnings(waves, planned_users(*read_plan())) or []
            ],
            "reminders": dict(zip(("cancelled", "created"), (rows.total for rows in mails), strict=True)),
        }

    found, before, after = try_out(look)
    return {"dry_run": True, **_figures(before, after, timezone.localdate()), **found}


def _figures(before: Plan, after: Plan, today: date) -> dict[str, Any]:
    old, _ = project(before, basis=Basis.CUMULATIVE, today=today)
    new, allocation = project(after, basis=Basis.CUMULATIVE, today=today)
    return {
        "fiscal_years": [year_end_json(end) for end in year_ends(old, new)],
        "conflicts": [conflict_json(each) for each in allocation.conflicts if each not in old.conflicts],
    }
