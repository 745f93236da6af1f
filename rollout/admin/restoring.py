"""An earlier version of a row, filled into its form: saving it is a new change like every other.

So nothing that holds of a change is passed by: the reason, the look at what it does, the rules of the plan. A
row that was deleted is filled into the form that adds one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db import models
from django.forms import model_to_dict
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

RESTORE = "restore"
FILLED_IN = _(
    "{moment} の版の内容を入れました。まだ保存していません。確かめて、変更理由を書いて保存してください。"
)
PARTS_STAY = _("下に並ぶ行（移行単位や引用など）は、いまのままです。")
GONE_CHOICES = _("次の項目は、選ばれていたものが削除されているため、入れられませんでした：{names}")


@dataclass(frozen=True)
class Restored:
    """What goes into the form, and the fields whose rows are gone."""

    values: dict[str, Any]
    gone: list[str]
    moment: str


def restored(request: HttpRequest, model: type[models.Model], key: Any = None) -> Restored | None:
    """The version that the address of a form names; None where it names none.

    With `key` the version has to be of that row.
    """
    number = request.GET.get(RESTORE, "")
    if request.method != "GET" or not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    versions = model.history.filter(history_id=int(number))  # type: ignore[attr-defined]
    version = (versions if key is None else versions.filter(**{model._meta.pk.attname: key})).first()
    if version is None:
        return None
    moment = f"{timezone.localtime(version.history_date):%Y-%m-%d %H:%M}"
    reason = f"{moment} に削除されたものを追加し直す：" if key is None else f"{moment} の版に戻す："
    values = model_to_dict(version.instance)
    gone = {field.name: str(field.verbose_name) for field in _gone(model, values)}
    kept = {name: value for name, value in values.items() if name not in gone}
    return Restored({**kept, "reason": reason}, list(gone.values()), moment)


def tell_restored(request: HttpRequest, found: Restored, *, has_parts: bool) -> None:
    """Say what is in the form, and what is not, such as the rows that are edited beside it."""
    messages.info(request, FILLED_IN.format(moment=found.moment) + (PARTS_STAY if has_parts else ""))
    if found.gone:
        messages.warning(request, GONE_CHOICES.format(names=gettext("、").join(found.gone)))


def _gone(model: type[models.Model], values: dict[str, Any]) -> Iterator[Any]:
    """The fields that chose a row which is no longer there."""
    for field in model._meta.concrete_fields:
        chosen = values.get(field.name) if isinstance(field, models.ForeignKey) else None
        if chosen is not None and not _exists(field.related_model, chosen):
            yield field


def _exists(model: Any, key: Any) -> bool:
    found: bool = model._default_manager.filter(pk=key).exists()
    return found


def filled_in(form: Any, values: dict[str, Any]) -> Any:
    """The form, showing these values in place of the row's."""

    class FilledIn(form):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, initial={**(kwargs.pop("initial", None) or {}), **values}, **kwargs)

    FilledIn.base_fields = form.base_fields
    return FilledIn


def add_again_url(version: Any) -> str:
    """Where a deleted row is added again; empty for what has no page of its own."""
    options = version.instance_type._meta
    try:
        page = reverse(f"admin:{options.app_label}_{options.model_name}_add")
    except NoReverseMatch:
        return ""
    return f"{page}?{urlencode({RESTORE: version.history_id})}"
