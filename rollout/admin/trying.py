"""Pages that ask what to do and why, show what that does, and then do it.

Two steps and one address: the form, then the same thing tried and taken back. What is then confirmed is the
same again, on the plan that it was looked at on.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from rollout.actions import CHANGE_REASON_NEEDED
from rollout.impact import Impact
from rollout.models import PlanVersion
from rollout.trial import Found, try_out

MOVED_ON = _(
    "確認のあいだに、ほかの変更が保存されました。いまの計画で計算し直しましたので、もう一度確認してください。"
)


class SeenForm(forms.Form):
    """Why, and on which plan that was looked at."""

    reason = forms.CharField(
        label=_("変更する理由"),
        max_length=500,
        widget=AdminTextareaWidget(attrs={"rows": 2}),
        help_text=_("何に基づく決定か（例: 9月3日 ○○省からの連絡）。変わるものすべての履歴に残ります。"),
        error_messages={"required": CHANGE_REASON_NEEDED},
    )
    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)


def do_or_show(form: forms.Form, do: Callable[[], Any], show: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What was done, under `done`, when the person has seen it on this plan; else what there is to see.

    Nothing where the form now says why not.
    """
    number, seen = PlanVersion.objects.lock().number, form.cleaned_data["seen_version"]
    try:
        if seen == number:
            return {"done": do()}
        shown = show()
    except ValidationError as error:
        form.add_error(None, error)
        return {}
    return {**shown, "number": number, "moved_on": MOVED_ON if seen is not None else ""}


def try_on_figures(act: Callable[[], Found]) -> tuple[Found, Impact]:
    """What `act` finds, and what it does to the figures in words; taken back."""
    found, before, after = try_out(act)
    return found, Impact.of(before, after, timezone.localdate())
