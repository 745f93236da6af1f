"""The page behind the link in a mail: what the mail was about, and three things to answer.

Link scanners open every link of a mail, so that GET and HEAD change nothing; what a button sends is answered
with a redirect. It works signed out, whatever PUBLIC_READ says: who has the link got the mail. It shows the
wave and nothing of the recipient.
"""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from rollout import answers
from rollout.domain.dates import FuzzyDate, fiscal_year_label, parse
from rollout.domain.letters import days_left_text, standing_text
from rollout.domain.plan import Basis, Status
from rollout.domain.reminders import Standing
from rollout.models import Projection, Reminder, Wave
from rollout.models.fields import FuzzyDateFormField
from rollout.models.labels import OVERDUE_LABEL, count_text, moment_text
from rollout.models.reminders import standing_of
from rollout.outbox.links import AnswerLinkError, AnswerLinkExpiredError, read_answer_token

TEMPLATE = "rollout/dashboard/answer.html"
PRIVATE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Language": "ja",
    "Referrer-Policy": "strict-origin",  # no-referrer would hide from CSRF checks where a form comes from
    "X-Robots-Tag": "noindex, nofollow",
}
TextView = Callable[[HttpRequest, str], HttpResponse]


class UseForm(forms.Form):
    """Since when a wave has been in use."""

    day = FuzzyDateFormField(
        label=_("実際に利用を開始した日"),
        required=True,
        error_messages={"required": _("利用を開始した日を入力してください。")},
    )


def _private(view: TextView) -> TextView:
    """A page that no cache keeps and no search engine lists, and whose address no other page learns."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def page(request: HttpRequest, token: str) -> HttpResponse:
        response = view(request, token)
        for name, value in PRIVATE_HEADERS.items():
            response.headers[name] = value
        return response

    return page


@_private
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """The wave as it stands, what the mail said of it, and what can be answered.

    410 for a link that has expired, 404 for one that is not ours. A POST redirects back; 400 for what cannot
    be read, 409 for what no longer holds, and nothing is written then.
    """
    try:
        reminder = _find(read_answer_token(token))
    except AnswerLinkExpiredError:
        return render(request, "rollout/dashboard/answer_expired.html", status=HTTPStatus.GONE)
    except AnswerLinkError:
        reminder = None
    if reminder is None:
        return render(request, "rollout/dashboard/answer_unknown.html", status=HTTPStatus.NOT_FOUND)
    if request.method == "POST":
        return _record(request, reminder)
    return _show(request, reminder)


def _find(number: int) -> Reminder | None:
    return Reminder.objects.for_display().filter(wave__isnull=False, pk=number).first()


def _record(request: HttpRequest, reminder: Reminder) -> HttpResponse:
    """Write the answer whose button was pressed, once."""
    button = request.POST.get("answer")
    form = UseForm(request.POST if button == "use" else None)
    try:
        if button == "received":
            _say(request, gettext("受け取ったこと"), is_new=answers.acknowledge(reminder=reminder))
        elif button == "cutover":
            _say(request, gettext("日程確認"), is_new=answers.confirm_cutover_by_link(reminder=reminder))
        elif button == "use" and form.is_valid():
            is_new = answers.confirm_use_by_link(reminder=reminder, day=form.cleaned_data["day"])
            _say(request, gettext("利用開始"), is_new=is_new)
        else:
            return _show(request, reminder, form=form, status=HTTPStatus.BAD_REQUEST)
    except ValidationError as error:
        return _refuse(request, reminder, form, error)
    return HttpResponseRedirect(request.path, status=HTTPStatus.SEE_OTHER)


def _say(request: HttpRequest, what: str, *, is_new: bool) -> None:
    said = (
        gettext("{what}を記録しました。ありがとうございます。").format(what=what)
        if is_new
        else gettext("{what}は、すでに記録されています。").format(what=what)
    )
    messages.success(request, said)


def _refuse(request: HttpRequest, reminder: Reminder, form: UseForm, error: ValidationError) -> HttpResponse:
    """What cannot be written: beside its field, or above all where the plan has moved on."""
    reminder = _find(reminder.pk) or reminder
    if hasattr(error, "error_dict"):
        form.add_error("day", error.messages)
        return _show(request, reminder, form=form, status=HTTPStatus.BAD_REQUEST)
    return _show(request, reminder, refused=error.messages, status=HTTPStatus.CONFLICT)


def _show(
    request: HttpRequest,
    reminder: Reminder,
    *,
    form: UseForm | None = None,
    refused: list[str] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    wave = _wave_of(reminder)
    today = timezone.localdate()
    is_settled = Status(wave.status).is_settled
    context = {
        "wave": wave,
        "ministry": wave.rollout.lead_ministry.name,
        "is_settled": is_settled,
        "days_left": "" if is_settled else days_left_text(wave.cutover, today),
        "reading": _reading(wave.cutover),
        "status": _standing_label(wave),
        "users": _users_text(wave),
        "told": _told(reminder, wave),
        "acknowledged": moment_text(reminder.acknowledged_at) if reminder.acknowledged_at else "",
        "is_confirmed_today": wave.confirmed_on == today,
        "cutover_refusal": answers.moved_refusal(reminder, wave) or answers.cutover_refusal(wave),
        "offers_use": not answers.use_refusal(wave),
        "form": form or UseForm(),
        "refused": refused,
    }
    return render(request, TEMPLATE, context, status=status)


def _wave_of(reminder: Reminder) -> Wave:
    if reminder.wave is None:  # never: `_find` leaves them out
        raise ValueError("a reminder without a wave has no page")
    return reminder.wave


def _reading(cutover: FuzzyDate) -> list[str]:
    """What was read from the cutover's text: the era in full, the days and the fiscal year."""
    first, last = cutover.earliest, cutover.latest
    if first is None:
        return []
    days = (
        first.isoformat()
        if first == last
        else gettext("{first}〜{value}").format(first=first, value=last or "")
    )
    year = [] if cutover.fiscal_year is None else [fiscal_year_label(cutover.fiscal_year)]
    return [cutover.format_japanese(), days, *year]


def _standing_label(wave: Wave) -> str:
    if wave.merged_into:
        return gettext("「{merged_into}」に統合").format(merged_into=wave.merged_into)
    label = wave.get_status_display()
    return (
        gettext("{label}（{overdue_label}）").format(label=label, overdue_label=OVERDUE_LABEL)
        if wave.is_overdue_unconfirmed(timezone.localdate())
        else label
    )


def _users_text(wave: Wave) -> str:
    projection = Projection.objects.current(Basis.CUMULATIVE, timezone.localdate())
    return count_text(*projection.count_of(wave.pk)) if projection else gettext("計算待ち")


def _told(reminder: Reminder, wave: Wave) -> tuple[str, str] | None:
    """What the mail said of the wave and what holds now, where that is no longer the same."""
    if not reminder.told_status:
        return None
    then = Standing(parse(reminder.told_cutover, lenient=True), reminder.told_status)
    now = standing_of(wave)
    if then.is_same(now):
        return None
    return standing_text(then.cutover, then.status), standing_text(now.cutover, now.status)
