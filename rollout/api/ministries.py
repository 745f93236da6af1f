"""Ministries: who they are, and the rollouts that move them. Contacts are personal data and never appear."""

from typing import Any

from django.db.models import Prefetch
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers

from ministries.models import Ministry
from rollout.api.examples import MINISTRY, example
from rollout.api.past import AsOfQuery, AsOfViewSet
from rollout.history import column_at
from rollout.models import Rollout, RolloutCoverage


class MinistryReferenceSerializer(serializers.ModelSerializer[Ministry]):
    """A ministry, as others mention it."""

    class Meta:
        model = Ministry
        fields = ("code", "name")
        read_only_fields = fields


@extend_schema_serializer(examples=example("国税庁", MINISTRY))
class MinistrySerializer(serializers.ModelSerializer[Ministry]):
    """A ministry, agency, commission or bureau."""

    parent = serializers.SlugRelatedField[Ministry](  # type: ignore[assignment]
        slug_field="code",
        read_only=True,
        allow_null=True,
        help_text="Code of the body above; null at the top.",
    )
    children = serializers.SlugRelatedField[Ministry](
        slug_field="code",
        read_only=True,
        many=True,
        help_text="Codes of the bodies directly below, in 建制順.",
    )
    order = serializers.FloatField(read_only=True, help_text=_("Place in 建制順."))
    aliases = serializers.ListField(
        source="alias_names",
        child=serializers.CharField(),
        read_only=True,
        help_text="Other names, also found by search.",
    )
    leads = serializers.SlugRelatedField[Any](
        source="led_rollouts",
        slug_field="code",
        read_only=True,
        many=True,
        help_text="Codes of the rollouts it leads.",
    )
    covered_by = serializers.SerializerMethodField(
        help_text="Codes of the rollouts of other ministries in which it moves along."
    )

    class Meta:
        model = Ministry
        fields = (
            "code",
            "name",
            "name_en",
            "kind",
            "parent",
            "children",
            "order",
            "aliases",
            "corporate_number",
            "leads",
            "covered_by",
        )
        read_only_fields = fields
        extra_kwargs = {
            "corporate_number": {"help_text": "法人番号, 13 digits; empty when not known."},
            "name_en": {"help_text": "Official English name; empty when not known."},
        }

    def get_covered_by(self, ministry: Ministry) -> list[str]:
        """In published order."""
        return [coverage.rollout.code for coverage in ministry.coverages.all()]


@extend_schema(parameters=[AsOfQuery])
class MinistryViewSet(AsOfViewSet[Ministry]):
    """Ministries in 建制順, with parents, aliases and coverage."""

    queryset = Ministry.objects.all()
    serializer_class = MinistrySerializer
    search_fields = ("code", "name", "name_en", "aliases")
    search_description = "Words in the code, the names and the aliases; 子ども家庭庁 finds こども家庭庁."
    default_ordering = ("order",)

    def relations(self) -> list["Prefetch[Any]"]:
        """The bodies above and below, and the rollouts that move it."""
        rollouts = self.rows(Rollout)
        in_order = [
            column_at(RolloutCoverage, f"rollout__{name}", self.moment)
            for name in ("cohort__order", "order", "code")
        ]
        return [
            Prefetch("parent", self.rows(Ministry)),
            Prefetch("children", self.rows(Ministry).order_by("order", "code")),
            Prefetch(
                "led_rollouts",
                rollouts.order_by(column_at(Rollout, "cohort__order", self.moment), "order", "code"),
            ),
            Prefetch("coverages", self.rows(RolloutCoverage).order_by(*in_order)),
            Prefetch("coverages__rollout", rollouts),
        ]
