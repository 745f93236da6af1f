"""How requests that write stand in the OpenAPI document."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar, cast

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, PolymorphicProxySerializer, extend_schema

from rollout.api.writing.effects import EffectsSerializer
from rollout.api.writing.examples import EFFECTS
from rollout.api.writing.views import DryRunQuery

Method = TypeVar("Method")

IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="The ETag of the row as it was read, or its `version` in quotation marks.",
)


def writes(
    body: Any,
    row: Any,
    example: dict[str, Any],
    *,
    status: HTTPStatus = HTTPStatus.OK,
    is_change: bool = True,
    operation_id: str | None = None,
) -> Callable[[Method], Method]:
    """A request with a `body` that is answered with the row, or with what it would do."""
    either = PolymorphicProxySerializer(
        component_name=f"{row.__name__.removesuffix('Serializer')}OrEffects",
        serializers=[row, EffectsSerializer],
        resource_type_field_name=None,
    )
    described: Any = extend_schema(
        operation_id=operation_id,
        parameters=[DryRunQuery, *([IF_MATCH] if is_change else [])],
        request=body,
        examples=[
            OpenApiExample("A body", value=example, request_only=True),
            OpenApiExample("With `dry_run=true`", value=EFFECTS, response_only=True, status_codes=["200"]),
        ],
        responses={status.value: either} if status is HTTPStatus.OK else {200: EffectsSerializer, 201: row},
    )
    return cast("Callable[[Method], Method]", described)
