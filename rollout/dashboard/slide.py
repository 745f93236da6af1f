"""The page at `/slide/`: the published groups in the form of the budget document, to print or to copy."""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse

from rollout.dashboard.pages import projection_page, public_page
from rollout.models import Projection
from rollout.slide import SlideRefused, make_slide


@public_page
def slide(request: HttpRequest) -> HttpResponse:
    """The slide, or why the plan does not bear it out."""
    return projection_page(request, "rollout/dashboard/slide.html", _page)


def _page(projection: Projection, _today: date) -> dict[str, Any]:
    try:
        return {"slide": make_slide(projection)}
    except SlideRefused as refused:
        return {"reasons": refused.reasons}
