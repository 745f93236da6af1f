"""The charts of the page as pictures, for slides, mails and other dashboards: one drawing everywhere."""

from collections.abc import Sequence
from html import escape
from typing import Any

import orjson
import vl_convert
from django.http import HttpResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from ministries.models import Ministry
from rollout import charts, timeline
from rollout.api.computed import ComputedView, parameters_of, see
from rollout.api.feeds import CurveQuery
from rollout.api.files import FileView
from rollout.api.parameters import ChoiceParameter, RowParameter
from rollout.api.past import AsOfQuery
from rollout.api.views import KnownParameters, WholePlan
from rollout.chart_words import s_curve_alt
from rollout.domain.plan import Basis
from rollout.domain.projection import Projection
from rollout.drawing import made_once, read_observed, shown_cutovers
from rollout.models import Cohort
from rollout.png import draw_png
from rollout.seen import see_now, see_past
from rollout.shown import Part
from rollout.timeline import timeline_alt

SIZES = {size.name: size for size in (charts.WIDE, charts.NARROW, charts.MAIL)}
SCALE = 2.0


class ChartQuery(CurveQuery):
    """Parameters of the chart: as of `projection/`."""

    granularity = None  # type: ignore[assignment]
    size = ChoiceParameter(
        list(SIZES), default="wide", help_text="For which width it is drawn: 1040, 400 or 680 pixels."
    )


class CurveChart(FileView, ComputedView):
    """The S-curve in the form that `ending` names."""

    query_class = ChartQuery

    @extend_schema(parameters=[ChartQuery], responses=OpenApiTypes.BINARY)
    def get(self, request: Request) -> HttpResponseBase:
        """Planned and confirmed users by month against the target, as the page draws them.

        `.svg` and `.png` (twice as many pixels) are pictures in the language of `Accept-Language`; `.vl.json`
        is the same as Vega-Lite, for notebooks and Deneb in Power BI.
        """
        query = self.query(request)
        seen = see(query, Basis(query["basis"]))
        observed = [each for each in read_observed() if each.latest <= seen.today]
        size = SIZES[query["size"]]

        def draw() -> bytes:
            return _drawn(self.ending, seen.curve, observed, size)

        is_kept = self.etag and self.ending != "vl.json"
        made = made_once(f"chart:{self.ending}:{self.etag}", draw) if is_kept else draw()
        return HttpResponse(made, content_type=self.media_type)


class TimelineQuery(AsOfQuery):
    """Parameters of the timeline."""

    cohort = RowParameter(
        Cohort.objects.all(), required=False, help_text="Code of a cohort: its waves alone."
    )
    ministry = RowParameter(
        Ministry.objects.all(),
        required=False,
        help_text="Code of a ministry: the waves that it leads or moves along in.",
    )
    size = ChoiceParameter(
        [size.name for size in timeline.PAGE_SIZES],
        default="wide",
        help_text="For which width it is drawn: 1040 or 400 pixels.",
    )


class TimelineChart(FileView, KnownParameters):
    """The cutovers over time in the form that `ending` names."""

    permission_classes = (WholePlan,)

    def known_parameters(self) -> Sequence[str]:
        """What the query has."""
        return parameters_of(TimelineQuery)

    def check_condition(self, request: Request, *seen: object) -> None:
        """Of the plan as it is; the past is told apart by its bytes."""
        if "as_of" not in request.query_params:
            super().check_condition(request, *seen)

    @extend_schema(parameters=[TimelineQuery], responses=OpenApiTypes.BINARY)
    def get(self, request: Request) -> HttpResponseBase:
        """Cutovers over time, a line a wave, as the page draws them: the first 60 by cohort and date.

        A bar is as long as what is known of the date; what has none has a line and no bar.
        """
        query = TimelineQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        part = Part(
            asked.get("as_of"),
            *(asked[name].pk if name in asked else None for name in ("cohort", "ministry")),
        )
        seen = see_past(part.moment, Basis.CUMULATIVE) if part.moment else see_now(Basis.CUMULATIVE)
        shown = shown_cutovers(seen, part)
        size = {each.name: each for each in timeline.PAGE_SIZES}[asked["size"]]
        spec = timeline.timeline_spec(timeline.lines(shown, {}), seen.today, size)
        words = timeline_alt(shown, seen.today)
        return HttpResponse(_in_form(self.ending, spec, words), content_type=self.media_type)


def _drawn(ending: str, curve: Projection, observed: Sequence[charts.Observed], size: charts.Size) -> bytes:
    if ending == "png":
        return charts.s_curve_png(curve, observed, size, scale=SCALE)
    return _in_form(ending, charts.s_curve_spec(curve, observed, size), s_curve_alt(curve, observed))


def _in_form(ending: str, spec: dict[str, Any], words: str) -> bytes:
    """A chart as Vega-Lite, or as a picture that says in `words` what it shows."""
    if ending == "vl.json":
        return orjson.dumps(spec)
    if ending == "png":
        return draw_png(spec, SCALE)
    svg: str = vl_convert.vegalite_to_svg(spec)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(words)}" ', 1).encode()
