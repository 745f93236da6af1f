"""What tables of parts need beyond Django's own."""

from django import template
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

CORNER = '<th class="original"></th>'


@register.filter
def corner_as_cell(html: SafeString) -> SafeString:
    """The table with its empty corner as a cell: a heading without words says nothing when it is read out."""
    return mark_safe(html.replace(CORNER, CORNER.replace("th", "td")))  # noqa: S308 (was safe before)
