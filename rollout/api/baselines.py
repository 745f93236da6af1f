"""Baselines: the named moments that the plan is compared with. Who made one is not told."""

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from rollout.api.views import ReadViewSet
from rollout.models import Baseline

EXAMPLE = {
    "code": "r8-request",
    "label": "R8概算要求時点",
    "moment": "2026-11-20T18:00:00+09:00",
    "note": "",
    "created_at": "2026-11-20T18:00:00+09:00",
}


@extend_schema_serializer(examples=[OpenApiExample("R8概算要求時点", value=EXAMPLE, response_only=True)])
class BaselineSerializer(serializers.ModelSerializer[Baseline]):
    """A named moment to compare the plan with; it never changes."""

    class Meta:
        model = Baseline
        fields = ("code", "label", "moment", "note", "created_at")
        read_only_fields = fields
        extra_kwargs = {
            "label": {"help_text": "What people call it."},
            "moment": {"help_text": "The plan as it was known then: `projection/?as_of=` answers with it."},
            "note": {"help_text": "Empty where nobody wrote any."},
            "created_at": {"help_text": "When it was named, which may be later than the moment itself."},
        }


class BaselineViewSet(ReadViewSet[Baseline]):
    """Named moments to compare the plan with, the latest first."""

    follows_plan = False
    queryset = Baseline.objects.all()
    serializer_class = BaselineSerializer
