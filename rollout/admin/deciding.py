"""What people decide in a list about mails that are unknown, failed or missed."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout import answers
from rollout.admin.base import FrozenAdmin
from rollout.domain.reminders import State
from rollout.models import Reminder

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

SEEN = "_seen"
LISTED = 20
DECISIONS = {"resend": _("もう一度送る"), "accept": _("届いたものとして扱う")}
OVERTAKEN = _("確認のあとで状態が変わったため、何もしていません。")
WARNINGS = {
    "resend": (
        _(
            "選んだ通知を、同じ Message-ID で送り直します。「不明」のものは届いている可能性があり、"
            "相手に2通届くことがあります。送信は取り消せません。"
        )
    ),
    "accept": _(
        "選んだ通知を、送信した時刻に「送信済み」になったものとして記録します。もう一度は送りません。"
    ),
}
Decide = Callable[..., None]


class DecidedAdmin(FrozenAdmin):
    """A ledger whose unclear rows wait for a person with the right to change reminders."""

    change_form_template = "admin/ledger_change_form.html"
    actions = ("resend", "accept")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Whoever may change reminders, which means nothing else."""
        return request.user.has_perm("rollout.change_reminder")

    @admin.action(description=DECISIONS["resend"], permissions=["decide"])
    def resend(self, request: HttpRequest, queryset: QuerySet[Reminder]) -> TemplateResponse | None:
        """Send the chosen rows again, once that is confirmed."""
        return self._ask_or_decide(request, queryset, "resend", answers.resend)

    @admin.action(description=DECISIONS["accept"], permissions=["decide"])
    def accept(self, request: HttpRequest, queryset: QuerySet[Reminder]) -> TemplateResponse | None:
        """Take the chosen rows as arrived, once that is confirmed."""
        return self._ask_or_decide(request, queryset, "accept", answers.accept)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """The row's page, with a button for each decision that it waits for."""
        if self.has_decide_permission(request):
            context["decisions"] = _decisions(kwargs["obj"].state)
        return super().render_change_form(request, context, *args, **kwargs)

    def _ask_or_decide(
        self, request: HttpRequest, queryset: QuerySet[Reminder], what: str, decide: Decide
    ) -> TemplateResponse | None:
        if not request.user.is_authenticated:
            raise PermissionDenied
        if SEEN not in request.POST:
            return self._ask(request, queryset, what)
        refused = []
        rows = list(queryset)
        for row in rows:
            try:
                _check_seen(row, request)
                decide(reminder=row, actor=request.user)
            except ValidationError as error:
                refused.append(
                    gettext("#{pk} {value}（{address}）：{names}").format(
                        pk=row.pk,
                        value=row.wave or "PMO",
                        address=row.address,
                        names=gettext("、").join(error.messages),
                    )
                )
        self._tell(request, what, len(rows) - len(refused), refused)
        return None

    def _ask(self, request: HttpRequest, queryset: QuerySet[Reminder], what: str) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("{what}：確認").format(what=DECISIONS[what]),
            "opts": self.opts,
            "what": DECISIONS[what],
            "warning": WARNINGS[what],
            "action": request.POST["action"],
            "checkbox": ACTION_CHECKBOX_NAME,
            "seen": SEEN,
            "rows": [(row, seen_text(row)) for row in queryset],
        }
        return TemplateResponse(request, "admin/ledger_confirmation.html", context)

    def _tell(self, request: HttpRequest, what: str, done: int, refused: list[str]) -> None:
        if done:
            messages.success(
                request,
                gettext("{done}件について「{what}」を記録しました。").format(done=done, what=DECISIONS[what]),
            )
        _tell_refused(request, refused)


def _tell_refused(request: HttpRequest, refused: list[str]) -> None:
    for text in refused[:LISTED]:
        messages.error(request, text)
    if len(refused) > LISTED:
        messages.error(
            request, gettext("ほか{value}件も、できませんでした。").format(value=len(refused) - LISTED)
        )


def seen_text(row: Reminder) -> str:
    """The row as a person saw it before confirming."""
    return f"{row.pk}-{row.state}-{row.attempts}-{row.due_at.timestamp()}"


def _check_seen(row: Reminder, request: HttpRequest) -> None:
    if seen_text(row) not in request.POST.getlist(SEEN):
        raise ValidationError(
            gettext("{overtaken}いまは「{state}」です。{state_note}").format(
                overtaken=OVERTAKEN, state=row.get_state_display(), state_note=row.state_note
            )
        )


def _decisions(state: str) -> "list[tuple[str, StrOrPromise]]":
    """The name and the words of each button."""
    asked = {"resend": state in answers.RESENT_STATES, "accept": state == State.UNKNOWN}
    return [(what, words) for what, words in DECISIONS.items() if asked[what]]
