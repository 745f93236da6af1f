"""Pages of the published frame: sources, cohorts, targets and observations."""

from datetime import date
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout.admin.base import PlanAdmin
from rollout.admin.document import DocumentAdmin
from rollout.domain.plan import Reading
from rollout.models import Cohort, Observation, Source, Target
from rollout.models.labels import READING_LABELS


def people_text(users: int | None, *, approximate: bool = False) -> str:
    """`約47,000人`; 「公表なし」 where nothing was published."""
    if users is None:
        return gettext("公表なし")
    return gettext("{value}{users:,}人").format(value=gettext("約") if approximate else "", users=users)


@admin.register(Source)
class SourceAdmin(PlanAdmin):
    """Published documents and dated statements."""

    list_display = ("title", "publisher", "published", "kind", "code")
    list_filter = ("kind", "publisher")
    search_fields = ("code", "title", "publisher")

    @admin.display(description=_("公表日"), ordering="published_on")
    def published(self, source: Source) -> str:
        """As written."""
        return str(source.published_on.text)


@admin.register(Cohort)
class CohortAdmin(DocumentAdmin):
    """Published groups of rollouts."""

    list_display = ("label", "published", "reading", "inside", "undecided_note", "source", "order")
    list_filter = ("reading", "approximate")
    search_fields = ("code", "label", "text_in_source")
    list_select_related = ("inside", "source")
    autocomplete_fields = ("source",)
    fieldsets = (
        (None, {"fields": ("label", "code", "order", "inside")}),
        (
            _("公表人数"),
            {
                "fields": (
                    "published_users",
                    "approximate",
                    "rounding_unit",
                    "reading",
                    "undecided_note",
                    "fiscal_year",
                    "published_multiple",
                )
            },
        ),
        (_("出典"), {"fields": ("source", "text_in_source")}),
    )

    @admin.display(description=_("公表人数"), ordering="published_users")
    def published(self, cohort: Cohort) -> str:
        """The published total."""
        return people_text(cohort.published_users, approximate=cohort.approximate)


@admin.register(Target)
class TargetAdmin(PlanAdmin):
    """Users to reach."""

    list_display = ("label", "people", "reading_text", "deadline", "derivation", "source")
    list_filter = ("reading",)
    search_fields = ("code", "label")
    list_select_related = ("source",)
    autocomplete_fields = ("source",)
    fieldsets = (
        (
            None,
            {
                "fields": ("label", "users", "reading", "by", "derivation", "source", "code"),
                "description": _("期限を入れると「途中の目標」になり、達成の見込みが見込みの画面に出ます。"),
            },
        ),
    )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A target is of all users so far, unless it says otherwise."""
        return {"reading": Reading.RUNNING_TOTAL.value, **super().get_changeform_initial_data(request)}

    @admin.display(description=_("期限"), ordering="by")
    def deadline(self, target: Target) -> date | str:
        """The day, or that this is the final one."""
        return target.by or gettext("最終目標")

    @admin.display(description=_("人数"), ordering="users")
    def people(self, target: Target) -> str:
        """The figure."""
        return people_text(target.users)

    @admin.display(description=_("人数の読み方"), ordering="reading")
    def reading_text(self, target: Target) -> str:
        """How the figure is to be read."""
        return str(READING_LABELS[target.reading])


@admin.register(Observation)
class ObservationAdmin(PlanAdmin):
    """Published counts of GSS users."""

    list_display = ("day", "people", "source", "note")
    list_filter = (("source", admin.RelatedOnlyFieldListFilter), "approximate")
    search_fields = ("as_of", "note", "source__title", "source__code")
    list_select_related = ("source",)
    autocomplete_fields = ("source",)
    fields = ("as_of", "users", "approximate", "source", "note")

    @admin.display(description=_("時点"), ordering="as_of_latest")
    def day(self, observation: Observation) -> str:
        """As written."""
        return str(observation.as_of.text)

    @admin.display(description=_("利用者数"), ordering="users")
    def people(self, observation: Observation) -> str:
        """The count."""
        return people_text(observation.users, approximate=observation.approximate)
