"""What moved the figure between two moments, by rollout and cause, with who, when and why."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.db.models import F, IntegerField, Value
from django.utils import timezone
from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from rollout.api.computed import BasisQuery, ComputedView
from rollout.api.moments import MomentParameter, current_moment, known
from rollout.api.parameters import RowParameter, check_one_of
from rollout.api.views import WholePlan
from rollout.domain.dates import FuzzyDateError, Precision, fiscal_year_of, month_label, parse
from rollout.domain.movers import Cause, Movement, explain
from rollout.domain.plan import Basis, month_number, month_parts
from rollout.domain.projection import fiscal_year_end
from rollout.history import Cited, cited, rows_at
from rollout.models import Baseline, Cohort, Rollout, Wave
from rollout.models.evidence import CitedChange
from rollout.models.labels import CAUSE_LABELS, say
from rollout.models.visible import sees_people
from rollout.reader import read_plan
from rollout.states import RolloutName, rollout_names

EXAMPLE = {
    "basis": "cumulative",
    "from": "2026-11-20T23:59:59.999999+09:00",
    "to": "2026-11-23T16:00:00+09:00",
    "month": "2027-03",
    "label": "R9.3",
    "before": 152000,
    "after": 83400,
    "difference": -68600,
    "movers": [
        {
            "rollout": "nta",
            "label": "国税庁",
            "cause": "date",
            "cause_label": "日程の変更",
            "users": -68600,
            "changes": [
                {
                    "at": "2026-11-23T15:30:00+09:00",
                    "by": "sato",
                    "reason": "9月3日 国税庁からの連絡",
                    "citation": {
                        "source": "nta-2026-09-03",
                        "title": "国税庁からの連絡（2026年9月3日）",
                        "text": "利用開始は令和9年6月に延期する",
                    },
                },
            ],
        }
    ],
}


ChangesOf = Callable[[str, Cause], list[dict[str, Any]]]


class MonthParameter(serializers.CharField):
    """A month, `2027-03` or `R9.3`, as its month number."""

    def to_internal_value(self, data: Any) -> int:  # type: ignore[override]
        """The month number. Raises ValidationError for anything but one month."""
        text = super().to_internal_value(data)
        try:
            period = parse(text)
        except FuzzyDateError as error:
            raise ValidationError(say(error.words)) from error
        if period.precision is not Precision.MONTH or period.open_ended or period.earliest is None:
            raise ValidationError(
                gettext("「{text}」は月ではありません。「2027-03」のように指定してください。").format(
                    text=text[:50]
                )
            )
        return month_number(period.earliest)


class MoversQuery(BasisQuery):
    """Parameters of the comparison."""

    locals()["from"] = MomentParameter(  # a word that Python keeps for itself
        required=False,
        help_text="The earlier moment: a day (its end in Tokyo) or a time with offset. Or give a `baseline`.",
    )
    baseline = RowParameter(
        Baseline.objects.all(), required=False, help_text="Code of a baseline, in place of `from`."
    )
    to = MomentParameter(required=False, help_text="The later moment, in the same forms; now by default.")
    month = MonthParameter(
        required=False,
        help_text="The month whose cumulative users are compared; by default the end of `to`'s fiscal year.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One beginning, not later than the end. Raises ValidationError by parameter."""
        name = check_one_of(attrs, "from", "baseline")
        start = attrs["from"] if name == "from" else known(attrs["baseline"].moment)
        end = attrs.get("to") or current_moment()
        if end < start:
            raise ValidationError(
                {"to": [gettext("「to」は「{name}」より後の時点を指定してください。").format(name=name)]}
            )
        return {**attrs, "from": start, "to": end}


class ChangeCitationSerializer(serializers.Serializer[Any]):
    """The words that a change rests on, as they were when it was saved."""

    source = serializers.CharField(help_text="Code of the source.")  # type: ignore[assignment]
    title = serializers.CharField(help_text="Title of the source.")
    text = serializers.CharField(help_text="What the source says, verbatim.")


class ChangeSerializer(serializers.Serializer[Any]):
    """One change of the rows behind a mover."""

    at = serializers.DateTimeField(help_text="When it was saved.")
    by = serializers.CharField(
        allow_null=True, help_text="Who saved it; null for the anonymous reader, and where nobody did."
    )
    reason = serializers.CharField(
        allow_null=True, help_text="Why, as written at the time; null for the anonymous reader."
    )
    citation = ChangeCitationSerializer(
        allow_null=True,
        help_text="What it rests on; null where no source was given, and for the anonymous reader.",
    )


class MoverSerializer(serializers.Serializer[Any]):
    """Users by which one rollout moved the figure, for one cause."""

    rollout = serializers.CharField(help_text="Code of the rollout.")
    label = serializers.CharField(help_text="Its name at the later moment at which it was there.")  # type: ignore[assignment]
    cause = serializers.ChoiceField([cause.value for cause in Cause])
    cause_label = serializers.CharField(help_text="The same in Japanese.")
    users = serializers.IntegerField(help_text="Users, never 0; all movers add up to `difference`.")
    changes = ChangeSerializer(
        many=True,
        help_text=(
            "What was changed in between of the rollout and its waves, and of cohorts for `published_total` "
            "and `sharing`; empty for a share that follows from other rollouts."
        ),
    )


class MovementSerializer(serializers.Serializer[Any]):
    """The change of cumulative users at one month between two states; its parts add up to the whole."""

    month = serializers.CharField(help_text="YYYY-MM.")
    label = serializers.CharField(help_text="`R9.3`.")  # type: ignore[assignment]
    before = serializers.IntegerField(help_text="Planned cumulative users as of `from`.")
    after = serializers.IntegerField(help_text="The same as of `to`.")
    difference = serializers.IntegerField(help_text="after − before.")
    movers = MoverSerializer(many=True, help_text="The largest first.")


class MoversSerializer(MovementSerializer):
    """The change of cumulative users at one month between two moments; its parts add up to the whole."""

    basis = serializers.ChoiceField([basis.value for basis in Basis])
    locals()["from"] = serializers.DateTimeField(help_text="The earlier moment.")
    to = serializers.DateTimeField(help_text="The later moment.")


class MoversView(ComputedView):
    """What moved the figure."""

    permission_classes = (WholePlan,)
    query_class = MoversQuery

    @extend_schema(
        operation_id="projection_movers_retrieve",
        parameters=[MoversQuery],
        responses=MoversSerializer,
        examples=[OpenApiExample("国税庁 moved by a year", value=EXAMPLE, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        """What moved the cumulative users of a month between two moments.

        Broken down by rollout and cause; the parts add up to the whole. 404 for a moment before the plan's
        history began.
        """
        query = self.query(request)
        before, after = query["from"], query["to"]
        month = query.get("month", default_month(after))
        basis = Basis(query["basis"])
        movement = explain(read_plan(before)[0], read_plan(after)[0], basis=basis, month=month)
        changes = Changes(before, after, show_people=sees_people(request.user))
        names = rollout_names(before) | rollout_names(after)
        return Response(
            {
                "basis": basis,
                "from": timezone.localtime(before).isoformat(),
                "to": timezone.localtime(after).isoformat(),
                **movement_json(movement, names, changes.of),
            }
        )


def default_month(moment: datetime) -> int:
    """The end of the fiscal year that a moment lies in, as a month number."""
    return fiscal_year_end(fiscal_year_of(timezone.localdate(moment)))


class Changes:
    """The versions that the history has of what moved, between two moments."""

    def __init__(self, before: datetime, after: datetime, *, show_people: bool) -> None:
        self._span = {"history_date__gt": before, "history_date__lte": after}
        self._show_people = show_people
        codes: dict[int, set[str]] = defaultdict(set)
        for moment in (before, after):
            for row in rows_at(Rollout, moment):
                codes[row.pk].add(row.code)
        changed = Wave.history.filter(**self._span).values("id")
        left = rows_at(Wave, before).filter(id__in=changed).values_list("id", "rollout_id")
        self._of_waves = self._by(Wave, "rollout_id", codes, dict(left))
        self._of_rollouts = self._by(Rollout, "id", codes)
        self._of_cohorts = self._by(Cohort, "id", defaultdict(lambda: {""}))[""]

    def _by(
        self,
        model: Any,
        key: str,
        codes: Mapping[int, set[str]],
        left: Mapping[int, int] = MappingProxyType({}),
    ) -> dict[str, list[dict[str, Any]]]:
        """By code; what moved a wave to another rollout stands under the one that it `left` as well."""
        columns = ("id", key, "history_date", "history_user__username", "history_change_reason")
        citation = (
            F("history_citation_id")
            if issubclass(model.history.model, CitedChange)
            else Value(None, IntegerField())
        )
        changes = list(model.history.filter(**self._span).values_list(*columns, citation))
        words = cited((number, at) for _, _, at, _, _, number in changes) if self._show_people else {}
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row, owner, at, person, reason, number in changes:
            told = {"by": person, "reason": reason} if self._show_people else {"by": None, "reason": None}
            quoted = _citation_json(words.get((number, at)))
            for code in codes[owner] | codes[left.get(row, owner)]:
                found[code].append({"at": timezone.localtime(at).isoformat(), **told, "citation": quoted})
        return found

    def of(self, rollout: str, cause: Cause) -> list[dict[str, Any]]:
        """The changes behind one mover, the oldest first."""
        own = [*self._of_waves[rollout], *self._of_rollouts[rollout]]
        found = {Cause.PUBLISHED_TOTAL: self._of_cohorts, Cause.SHARING: [*own, *self._of_cohorts]}
        return sorted(found.get(cause, own), key=lambda entry: entry["at"])


def _citation_json(words: Cited | None) -> dict[str, str] | None:
    return None if words is None else {"source": words.source, "title": words.title, "text": words.text}


def movement_json(
    movement: Movement, names: Mapping[str, RolloutName], changes_of: ChangesOf
) -> dict[str, Any]:
    """The month, the figure in both states, and what lies between; `changes_of` tells the edits behind it."""
    year, month = month_parts(movement.month)
    return {
        "month": f"{year}-{month:02d}",
        "label": month_label(year, month),
        "before": movement.before,
        "after": movement.after,
        "difference": movement.difference,
        "movers": [
            {
                "rollout": mover.rollout,
                "label": names[mover.rollout].label,
                "cause": mover.cause,
                "cause_label": CAUSE_LABELS[mover.cause],
                "users": mover.users,
                "changes": changes_of(mover.rollout, mover.cause),
            }
            for mover in movement.movers
        ],
    }
