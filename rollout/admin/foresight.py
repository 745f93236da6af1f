"""Pages beside the ledger: what will go out, and why somebody got something or not. They change nothing."""

from collections.abc import Iterable
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import PAGE_VAR
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ministries.models import Ministry
from rollout.admin.base import StockAdmin, reaches_all, row_number
from rollout.domain.words import weekday_words
from rollout.models import Reminder, ReminderRule, Rollout, Wave
from rollout.models.labels import day_text, say
from rollout.outbox.explanation import explain
from rollout.outbox.foresight import PAGE, Foreseen, UntilError, foresee, read_until

MOST_SUGGESTIONS = 300
"""Waves that the browser suggests while one types; a larger plan is searched when the form is sent."""

MOST_CANDIDATES = 20
WITHOUT_WAVE = _("この通知は移行単位ごとのものではないため（まとめ・警告）、理由の説明はありません。")

if TYPE_CHECKING:
    MinistryChoice = forms.ModelChoiceField[Ministry]
    RuleChoice = forms.ModelChoiceField[ReminderRule]
else:
    MinistryChoice = RuleChoice = forms.ModelChoiceField


class OutlookForm(forms.Form):
    """What the list is narrowed to."""

    until = forms.CharField(
        label=_("いつまで"),
        required=False,
        max_length=100,
        widget=AdminTextInputWidget(attrs={"placeholder": _("90日間")}),
        help_text=_("2027-02-28、R9.2 のように入力します。空欄なら90日間です。"),
    )
    ministry = MinistryChoice(
        label=_("府省庁"), required=False, queryset=Ministry.objects.none(), empty_label=_("すべて")
    )
    rule = RuleChoice(
        label=_("通知ルール"), required=False, queryset=ReminderRule.objects.none(), empty_label=_("すべて")
    )
    address = forms.CharField(
        label=_("宛先"),
        required=False,
        max_length=254,
        widget=AdminTextInputWidget,
        help_text=_("アドレスの一部でもかまいません。"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        concerned = Q(led_rollouts__isnull=False) | Q(coverages__isnull=False)
        self.fields["ministry"].queryset = Ministry.objects.filter(concerned).distinct()  # type: ignore[attr-defined]
        self.fields["rule"].queryset = ReminderRule.objects.filter(active=True)  # type: ignore[attr-defined]

    def clean_until(self) -> date:
        """The last day."""
        try:
            return read_until(self.cleaned_data["until"], timezone.now())
        except UntilError as error:
            raise ValidationError(str(error)) from None


class WhyForm(forms.Form):
    """Who asks about which wave."""

    address = forms.EmailField(
        label=_("宛先（メールアドレス）"), widget=forms.EmailInput(attrs={"class": "vTextField"})
    )
    wave = forms.CharField(
        label=_("移行単位"),
        max_length=100,
        widget=AdminTextInputWidget(attrs={"list": "waves"}),
        help_text=_("コード、または府省庁の名称・別名で探します。"),
    )

    def clean_address(self) -> str:
        """As the ledger writes it."""
        return str(self.cleaned_data["address"]).lower()

    def clean_wave(self) -> Wave:
        """The one wave that is meant."""
        text = self.cleaned_data["wave"].strip()
        waves = named_waves()
        exact = waves.filter(code=text).first()
        found = [exact] if exact else list(waves.filter(_speaks_of(text))[: MOST_CANDIDATES + 1])
        if not found:
            raise ValidationError(gettext("「{text}」に当てはまる移行単位はありません。").format(text=text))
        if len(found) > 1:
            listed = gettext("、").join(
                gettext("{code}（{wave}）").format(code=wave.code, wave=wave)
                for wave in found[:MOST_CANDIDATES]
            )
            more = gettext(" など") if len(found) > MOST_CANDIDATES else ""
            raise ValidationError(
                gettext("いくつか当てはまります。コードを入れてください：{listed}{more}").format(
                    listed=listed, more=more
                )
            )
        return found[0]


class ForeseeingAdmin(StockAdmin):
    """A ledger with a look ahead, and with an answer to "why did I (not) get this?"."""

    change_list_template = "admin/ledger_change_list.html"

    def get_urls(self) -> list[URLPattern]:
        """With the two pages."""
        view = self.admin_site.admin_view
        return [
            path("lookahead/", view(self.lookahead_view), name="rollout_reminder_lookahead"),
            path("why/", view(self.why_view), name="rollout_reminder_why"),
            *super().get_urls(),
        ]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """With the way to the reasons."""
        return [*super().get_fieldsets(request, obj), (None, {"fields": ("reasons",)})]

    @admin.display(description=_("理由"))
    def reasons(self, reminder: Reminder) -> SafeString:
        """A link that holds the row's number and no address."""
        url = reverse("admin:rollout_reminder_why")
        return format_html(gettext('<a href="{}?reminder={}">なぜ届いた・届かない？</a>'), url, reminder.pk)

    def lookahead_view(self, request: HttpRequest) -> HttpResponse:
        """Everything that will go out, by day, each with its text."""
        self._check_may_look(request)
        form = OutlookForm({"until": "", **request.GET.dict()})
        context = {"title": gettext("これから送る通知"), "form": form}
        if form.is_valid():
            context |= _outlook(form, request.GET.get(PAGE_VAR, "1"))
            context["query"] = _query_without_page(request)
        return self._answer(request, "admin/lookahead.html", context)

    def why_view(self, request: HttpRequest) -> HttpResponse:
        """The form, and the answer below it. Sent by POST, so that no log holds the address."""
        self._check_may_look(request)
        form = WhyForm(request.POST or None)
        context: dict[str, Any] = {"title": gettext("なぜ届いた・届かない？")}
        if "reminder" in request.GET and request.method == "GET":
            row = get_object_or_404(Reminder, pk=row_number(request.GET["reminder"]))
            if row.wave is None:
                context["without_wave"] = WITHOUT_WAVE
            else:
                form = WhyForm({"address": row.address, "wave": row.wave.code})
        if form.is_bound and form.is_valid():
            wave, address = form.cleaned_data["wave"], form.cleaned_data["address"]
            [general, *rules] = explain(address, wave, timezone.now())
            context |= {"wave": wave, "address": address, "general": general, "rules": rules}
        suggestions = list(named_waves()[: MOST_SUGGESTIONS + 1])
        context["suggestions"] = suggestions if len(suggestions) <= MOST_SUGGESTIONS else []
        return self._answer(request, "admin/why.html", {**context, "form": form})

    def _check_may_look(self, request: HttpRequest) -> None:
        if not (self.has_view_permission(request) and reaches_all(request)):
            raise PermissionDenied

    def _answer(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        whole = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, template, whole)


def named_waves() -> QuerySet[Wave]:
    """Waves with all that their name and their reasons are made of."""
    names = ("rollout__lead_ministry", "merged_into__rollout__lead_ministry")
    return Wave.objects.select_related(*names).order_by("rollout__lead_ministry__order", "code")


def _speaks_of(text: str) -> Q:
    """The waves that a person may mean."""
    of_wave = Q(code__icontains=text) | Q(name__icontains=text) | Q(rollout__scope__icontains=text)
    ministry = Q(rollout__lead_ministry__name__icontains=text)
    return of_wave | ministry | Q(rollout__lead_ministry__aliases__icontains=text)


def _outlook(form: OutlookForm, page_number: str) -> dict[str, Any]:
    """One page of what is to come."""
    now, chosen = timezone.now(), form.cleaned_data
    until, rule = chosen["until"], chosen["rule"]
    foresight = foresee(
        now,
        until,
        waves=_waves_of(chosen["ministry"]),
        rule=rule.pk if rule else None,
        address=chosen["address"],
    )
    paginator: Paginator[Foreseen] = Paginator(foresight, PAGE)
    page = paginator.get_page(page_number)
    number = (until - timezone.localdate(now)).days
    return {
        "total": gettext("{number}日間（{day_text}まで）で{count:,}通").format(
            number=number, day_text=day_text(until), count=len(foresight)
        ),
        "is_ledger_behind": foresight.is_ledger_behind,
        "page": page,
        "page_range": paginator.get_elided_page_range(page.number),
        "page_var": PAGE_VAR,
        "days": _by_day(page.object_list),
    }


def _by_day(mails: Iterable[Foreseen]) -> list[tuple[str, list[Foreseen]]]:
    days = groupby(mails, key=lambda mail: mail.goes_at.date())
    return [
        (
            say(weekday_words(day)),
            list(of_day),
        )
        for day, of_day in days
    ]


def _waves_of(ministry: Ministry | None) -> Q | None:
    """The waves that the ministry leads or that cover it."""
    if ministry is None:
        return None
    rollouts = Rollout.objects.filter(Q(lead_ministry=ministry) | Q(coverages__ministry=ministry))
    return Q(rollout__in=rollouts.order_by().values("pk"))


def _query_without_page(request: HttpRequest) -> str:
    query = request.GET.copy()
    query.pop(PAGE_VAR, None)
    return query.urlencode()
