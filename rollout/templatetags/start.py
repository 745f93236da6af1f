"""What the first page of the admin shows: `{% list_matters as … %}` and `{% draw_curve as … %}`."""

from typing import Any

from django import template

from rollout.admin import start

register = template.Library()


@register.simple_tag(takes_context=True)
def list_matters(context: Any) -> list[start.Matter]:
    """What waits for whoever asks."""
    return start.list_matters(context["request"].user)


@register.simple_tag
def draw_curve() -> start.Curve | None:
    """The projection in small."""
    return start.draw_curve()
