"""How many users a wave or a rollout has, where the number comes from, and who says so."""

from datetime import datetime
from functools import cached_property
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from rollout.domain.allocation import CountBasis, allocate
from rollout.domain.plan import Basis, Status
from rollout.models import Citation, Projection, Rollout, Wave
from rollout.models.counts import Count, rollout_count
from rollout.models.version import pack_counts
from rollout.reader import read_plan

_NAMES = {basis: basis.name.lower() for basis in CountBasis}


class CountCitationSerializer(serializers.Serializer[Any]):
    """The words that a count rests on."""

    source = serializers.CharField(help_text="Code of the source.")  # type: ignore[assignment]
    title = serializers.CharField(help_text="Title of the source.")
    text = serializers.CharField(
        help_text="What the source says, verbatim; of a shared-out count, what is shared."
    )


class CountSerializer(serializers.Serializer[Any]):
    """A number of users and how far to trust it."""

    users = serializers.IntegerField(
        allow_null=True, help_text="Users; null when unknown, which is not zero."
    )
    basis = serializers.ChoiceField(
        sorted(_NAMES.values()),
        help_text=(
            "`stated`: published or confirmed; `shared_out`: a published total divided by weight; "
            "`unknown`: nobody has said."
        ),
    )
    citation = CountCitationSerializer(
        allow_null=True, help_text="What the number rests on, where a source says it."
    )


class Counts:
    """Counts of the default basis at a moment, None for now, which are read once, when first needed.

    Rollouts have their citations read already, as `read_citations`.
    """

    def __init__(self, moment: datetime | None = None) -> None:
        self.moment = moment

    @cached_property
    def projection(self) -> Projection | None:
        """The stored projection, None where nothing has been computed yet; of the past, computed afresh."""
        if self.moment:
            return _past_projection(self.moment)
        return Projection.objects.current(Basis.CUMULATIVE, timezone.localdate())

    def of_wave(self, wave: Wave) -> dict[str, Any]:
        """`CountSerializer`'s fields of a wave; nothing for a merged one, whose users are another's."""
        if wave.merged_into_id:
            return _count_json((None, CountBasis.UNKNOWN), None)
        count = self._wave_count(wave)
        is_own = wave.users is not None  # typed by a person; the rollout's citation speaks of the whole
        return _count_json(count, _own_citation(wave) if is_own else _citation(count[1], wave.rollout))

    def headers(self) -> dict[str, str]:
        """Which version of the plan the counts are of, and whether that is out of date.

        The past has no version and is never out of date.
        """
        if self.moment:
            return {"X-Stale": "false"}
        if self.projection is None:
            return {"X-Stale": "true"}
        stale = str(self.projection.stale).lower()
        return {"X-Data-Version": str(self.projection.data_version), "X-Stale": stale}

    def of_rollout(self, rollout: Rollout) -> dict[str, Any]:
        """The same of a rollout: the sum of its waves, but for cancelled ones."""
        waves = list(rollout.waves.all())
        count = rollout_count(rollout, waves, self._wave_count)
        is_moving = any(wave.status != Status.CANCELLED for wave in waves)
        return _count_json(count, _citation(count[1], rollout) if is_moving else None)

    def _wave_count(self, wave: Wave) -> Count:
        """As computed; where nothing was computed for the wave yet, what its own row states."""
        computed = self.projection and self.projection.find_count(wave.pk)
        return computed or (wave.users, CountBasis.UNKNOWN if wave.users is None else CountBasis.STATED)


def _past_projection(moment: datetime) -> Projection:
    """As much of a stored projection as counts need: the users of every wave of the plan at `moment`."""
    plan, wave_ids = read_plan(moment)
    allocation = allocate(plan, Basis.CUMULATIVE)
    return Projection(allocation=pack_counts(wave_ids, allocation.users, allocation.count_basis))


def _count_json(count: Count, citation: dict[str, str] | None) -> dict[str, Any]:
    users, basis = count
    return {"users": users, "basis": _NAMES[basis], "citation": citation}


def _citation(basis: CountBasis, rollout: Rollout) -> dict[str, str] | None:
    """What a stated count of the rollout, or a share of it, rests on; or a share of the cohort's total."""
    if rollout.users is not None:
        return next((_words(citation) for citation in _of_the_whole(rollout)), None)
    if basis is CountBasis.SHARED_OUT:
        source, text = rollout.cohort.source, rollout.cohort.text_in_source
        return {"source": source.code, "title": source.title, "text": text}
    return None


def _own_citation(wave: Wave) -> dict[str, str] | None:
    """What a count typed on the wave rests on: words on the wave, or on the whole if they say this number."""
    own = [citation for citation in _adopted(wave.rollout) if citation.wave_id == wave.pk]
    whole = [each for each in _of_the_whole(wave.rollout) if each.says_users == wave.users]
    return next((_words(citation) for citation in [*own, *whole]), None)


def _of_the_whole(rollout: Rollout) -> list[Citation]:
    return [citation for citation in _adopted(rollout) if citation.wave_id is None]


def _adopted(rollout: Rollout) -> list[Citation]:
    """What the plan follows on users."""
    users = Citation.Subject.USERS
    read: list[Citation] = rollout.read_citations  # type: ignore[attr-defined]
    return [each for each in read if each.adopted and each.subject == users]


def _words(citation: Citation) -> dict[str, str]:
    return {"source": citation.source.code, "title": citation.source.title, "text": citation.text}


@extend_schema_field(CountSerializer)
class RolloutCountField(serializers.ReadOnlyField):
    """The count of the rollout that is serialized; `counts` is in the context."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(source="*", **kwargs)

    def to_representation(self, value: Rollout) -> dict[str, Any]:
        """The rollout's count."""
        counts: Counts = self.context["counts"]
        return counts.of_rollout(value)
