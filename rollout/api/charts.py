"""The chart of the page as a picture, for slides, mails and other dashboards: one drawing everywhere."""

from collections.abc import Sequence
from html import escape

import orjson
import vl_convert
from django.http import HttpResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from rollout import charts
from rollout.api.computed import ComputedView, see
from rollout.api.feeds import CurveQuery
from rollout.api.files import FileView
from rollout.api.parameters import ChoiceParameter
from rollout.chart_words import s_curve_alt
from rollout.domain.plan import Basis
from rollout.domain.projection import Projection
from rollout.drawing import made_once, read_observed

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


def _drawn(ending: str, curve: Projection, observed: Sequence[charts.Observed], size: charts.Size) -> bytes:
    if ending == "png":
        return charts.s_curve_png(curve, observed, size, scale=SCALE)
    spec = charts.s_curve_spec(curve, observed, size)
    if ending == "vl.json":
        return orjson.dumps(spec)
    svg: str = vl_convert.vegalite_to_svg(spec)
    words = escape(s_curve_alt(curve, observed))
    return svg.replace("<svg ", f'<svg role="img" aria-label="{words}" ', 1).encode()
