"""The second factor of local accounts: asked for, set up, and its recovery codes."""

import unicodedata
from base64 import b32encode
from binascii import unhexlify
from typing import Any

import segno
from django import forms
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django_otp import login as remember_device
from django_otp import verify_token
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice, default_key

from signin.pages import page
from signin.security_log import record
from signin.sessions import has_second_factor, is_by_provider, owes_second_factor

NEW_KEY = "new_totp_key"
RECOVERY_CODES = 10


class CodeForm(forms.Form):
    """A code as people type it: full-width digits and spaces are fine."""

    code = forms.CharField(
        label=_("確認コード"),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True}),
    )

    def clean_code(self) -> str:
        """Half-width, small letters, no spaces or hyphens."""
        text = unicodedata.normalize("NFKC", self.cleaned_data["code"]).lower()
        return "".join(text.replace("-", "").split())


@never_cache
@login_required
def ask(request: Any) -> HttpResponse:
    """Ask for a code of the authenticator, or for a recovery code; who has neither sets one up first."""
    if not owes_second_factor(request):
        return redirect(_next(request))
    if not has_second_factor(request.user):
        return redirect("signin:enrol")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if device := matching_device(request.user, form.cleaned_data["code"]):
            remember_device(request, device)
            record("second_factor_passed", user=request.user.get_username(), id=request.user.pk)
            return redirect(_next(request))
        record("second_factor_failed", user=request.user.get_username(), id=request.user.pk)
        form.add_error("code", _what_is_wrong(request.user))
    return page(request, "ask", gettext("二要素認証"), form=form, next=_next(request))


@never_cache
@login_required
def enrol(request: Any) -> HttpResponse:
    """Show a new key; a code of it puts it in the old one's place, and shows recovery codes, once."""
    if is_by_provider(request):
        return redirect("admin:index")
    if has_second_factor(request.user) and not request.user.is_verified():
        return redirect("signin:second_factor")
    key = request.session.setdefault(NEW_KEY, default_key())
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if (step := _matching_step(key, form.cleaned_data["code"])) is not None:
            del request.session[NEW_KEY]
            device, codes = replace_second_factor(user=request.user, key=key, used_step=step)
            remember_device(request, device)
            return page(request, "recovery_codes", gettext("回復コード"), codes=codes)
        form.add_error("code", gettext("コードが違います。認証アプリに今出ている6桁を入力してください。"))
    return page(request, "enrol", gettext("二要素認証の設定"), form=form, **_key_to_show(request.user, key))


def matching_device(user: Any, code: str) -> Any:
    """The device that takes this code, which nobody can use again; None also while tries are slowed down."""
    kind = TOTPDevice if code.isdecimal() and len(code) == 6 else StaticDevice
    device = kind.objects.filter(user=user, confirmed=True).order_by("pk").first()
    return device and verify_token(user, device.persistent_id, code)


@transaction.atomic
def replace_second_factor(*, user: Any, key: str, used_step: int) -> tuple[TOTPDevice, list[str]]:
    """A device with this hex key instead of all others, and new recovery codes; the used step counts once."""
    forget_second_factor(user)
    device = TOTPDevice.objects.create(user=user, name="認証アプリ", key=key, last_t=used_step)
    recovery = StaticDevice.objects.create(user=user, name="回復コード")
    codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=recovery, token=code) for code in codes)
    record("second_factor_enrolled", user=user.get_username(), id=user.pk)
    return device, codes


def reset_second_factor(*, user: Any, by: str) -> None:
    """Take a lost device away: the next sign-in by password sets up a new one."""
    forget_second_factor(user)
    record("second_factor_reset", user=user.get_username(), id=user.pk, by=by)


def forget_second_factor(user: Any) -> None:
    """No device, no recovery code; sessions that passed with them owe a second factor again."""
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()


def _matching_step(key: str, code: str) -> int | None:
    """The time step of a code of this key, one before or after now at most."""
    totp = TOTP(unhexlify(key))
    if not (code.isdecimal() and totp.verify(int(code), tolerance=1)):
        return None
    return int(totp.t())


def _what_is_wrong(user: Any) -> str:
    device = TOTPDevice.objects.filter(user=user, confirmed=True).first()
    allowed, _ = device.verify_is_allowed() if device else (True, None)
    if allowed:
        return gettext(
            "コードが違います。認証アプリに今出ている6桁か、まだ使っていない回復コードを入力してください。"
        )
    return gettext(
        "コードが違います。続けて誤ると待ち時間が延びます。少し待ってから、新しいコードを入力してください。"
    )


def _key_to_show(user: Any, key: str) -> dict[str, Any]:
    text = b32encode(unhexlify(key)).decode()
    url = TOTPDevice(user=user, key=key).config_url
    grouped = " ".join(text[at : at + 4] for at in range(0, len(text), 4))
    return {"key": grouped, "qr": segno.make(url).svg_data_uri(scale=5, border=4, light="white")}


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else resolve_url("admin:index")
