"""Rows with some of their fields: `fields=code,cutover`."""

from typing import Any

from django.utils.translation import gettext
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView

FIELDS = "fields"


class SparseView(GenericAPIView[Any]):
    """A view of rows that takes `fields`."""

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """One that shows the fields which are asked for. Raises ValidationError for others."""
        serializer: Any = super().get_serializer(*args, **kwargs)
        asked = self.request.query_params.get(FIELDS)
        if asked is not None:
            _leave(getattr(serializer, "child", serializer).fields, asked)
        return serializer


def _leave(fields: Any, asked: str) -> None:
    wanted = {name.strip() for name in asked.split(",")}
    if unknown := sorted(wanted - set(fields)):
        message = gettext("「{name}」という項目はありません。使えるのは {names} です。")
        names = gettext("、").join(fields)
        raise ValidationError({FIELDS: [message.format(name=unknown[0][:50], names=names)]})
    for name in set(fields) - wanted:
        fields.pop(name)
