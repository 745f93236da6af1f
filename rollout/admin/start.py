"""What staff see first: what waits for somebody today, the curve in small, and a way to find a ministry.

A matter is counted by the conditions that its link filters by, so that the list shows what was counted. Each
is for who may see its rows. The number of queries does not grow with the plan.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ministries.liaison import is_limited
from rollout import charts
from rollout.chart_words import s_curve_alt
from rollout.domain.plan import AWAITED_STATUSES, Basis
from rollout.domain.reconciliation import Agreement
from rollout.domain.reminders import State
from rollout.drawing import made_once, read_observed, s_curve
from rollout.models import Projection, Reminder, Scenario, Wave, conditions
from rollout.models.labels import OVERDUE_LABEL, moment_text
from rollout.models.visible import sees_whole_plan, visible, visible_scenarios
from rollout.outbox.failures import failing_addresses
from rollout.reconciliation import reconcile_published

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

AWAITED = ",".join(status.value for status in AWAITED_STATUSES)
LOST = (State.FAILED.value, State.MISSED.value)
LOST_DAYS = 14
"""Mail that did not go out is said for so long; what may have arrived, until somebody decides."""

ASK_WHETHER_IN_USE = _("利用を始めたか府省庁に確かめ、実際の開始日か新しい予定を入れます。")
ASK_FOR_THE_DAY = _("近いものから、切替の日を確かめます。")
ASK_HOW_FAR = _("検討の状況を確かめます。")
ASK_FOR_A_COUNT = _("公表または確認された人数があれば入れます。")
DECIDE = _("届いたか確かめ、もう一度送るか到着済みにします。")
SEND_AGAIN = _("まだ必要なものは、もう一度送ります。")
JUDGE = _("計画に反映するか、見送ります。")
PROPOSE = _("それぞれの画面の「変更を申請」で、PMOに知らせます。")
AWAIT = _("PMOの判断を待っています。")
PROPOSE_AGAIN = _("履歴で理由を見て、直して申請し直すか、取り下げます。")
MEND_ADDRESS = _("アドレスを直すか、送信を止めます。")


@dataclass(frozen=True)
class Matter:
    """How many of what wait for somebody, where they are listed, and what to do about them."""

    title: "StrOrPromise"
    total: int
    url: str
    remedy: "StrOrPromise"


@dataclass(frozen=True)
class Curve:
    """The projection in small: an SVG element, the sentence that says the same, and when it was computed."""

    svg: SafeString
    alt: str
    computed: str
    stale: bool


def list_matters(user: Any) -> list[Matter]:
    """What waits for somebody, as far as `user` may see it."""
    today = timezone.localdate()
    return [matter for matter in _matters(user, today) if matter.total]


def draw_curve() -> Curve | None:
    """The stored projection as it is; None before the first computation."""
    projection = _projection()
    if projection is None:
        return None
    observed = read_observed()
    return Curve(
        mark_safe(s_curve(projection.curve, observed, charts.NARROW)),  # noqa: S308 (an SVG of our own making)
        s_curve_alt(projection.curve, observed),
        moment_text(projection.computed_at),
        projection.stale,
    )


def _projection() -> Projection | None:
    return Projection.objects.current(Basis.CUMULATIVE, timezone.localdate())


def _matters(user: Any, today: date) -> Iterator[Matter]:
    if user.has_perm("rollout.view_wave"):
        own = is_limited(user)
        yield from (replace(matter, remedy=PROPOSE) if own else matter for matter in _waves(user, today))
    if user.has_perm("rollout.view_reminder") and not is_limited(user):
        yield from _mails(today)
    if user.has_perm("rollout.view_scenario"):
        yield from _proposals(user)
    if sees_whole_plan(user) and (projection := _projection()):
        url = reverse("reconciliation")
        yield Matter(
            gettext("公表値と合わない数字"), _differing(projection), url, gettext("出典か計画を確かめます。")
        )


def _waves(user: Any, today: date) -> Iterator[Matter]:
    seen = Wave.objects.filter(visible(Wave, user))
    late, awaited = seen.overdue_unconfirmed(today), seen.awaited()
    yield _matter(OVERDUE_LABEL, late, {"unconfirmed": "1"}, ASK_WHETHER_IN_USE)
    coarse = awaited.filter(conditions.is_coarse())
    yield _matter(
        gettext("日が決まっていない"), coarse, {"status__in": AWAITED, "day": "coarse"}, ASK_FOR_THE_DAY
    )
    undecided = awaited.filter(conditions.is_undecided())
    yield _matter(
        gettext("時期が決まっていない"), undecided, {"status__in": AWAITED, "day": "none"}, ASK_HOW_FAR
    )
    uncounted = awaited.filter(conditions.is_uncounted())
    yield _matter(
        gettext("人数が分からない"), uncounted, {"status__in": AWAITED, "count": "none"}, ASK_FOR_A_COUNT
    )


def _proposals(user: Any) -> Iterator[Matter]:
    own = is_limited(user)
    proposed = {"state__exact": Scenario.State.PROPOSED.value}
    rows = visible_scenarios(user)
    yield _matter(gettext("判断を待つ申請"), rows.filter(**proposed), proposed, AWAIT if own else JUDGE)
    if own:
        declined = {"state__exact": Scenario.State.DECLINED.value}
        yield _matter(gettext("見送られた申請"), rows.filter(**declined), declined, PROPOSE_AGAIN)


def _mails(today: date) -> Iterator[Matter]:
    mails, since = Reminder.objects.order_by(), today - timedelta(days=LOST_DAYS)
    unknown = {"state__exact": State.UNKNOWN.value}
    yield _matter(gettext("届いたか分からない通知"), mails.filter(**unknown), unknown, DECIDE)
    lost = mails.filter(state__in=LOST, due_at__date__gte=since)
    conditions = {"state__in": ",".join(LOST), "due_at__date__gte": since.isoformat()}
    yield _matter(
        gettext("送れなかった通知（{lost_days}日以内）").format(lost_days=LOST_DAYS),
        lost,
        conditions,
        SEND_AGAIN,
    )
    contacts = reverse("admin:ministries_contact_changelist")
    yield Matter(gettext("くり返し届かない宛先"), len(failing_addresses()), contacts, MEND_ADDRESS)


def _matter(
    title: "StrOrPromise", rows: QuerySet[Any], conditions: dict[str, str], remedy: "StrOrPromise"
) -> Matter:
    options = rows.model._meta
    path = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
    return Matter(title, rows.count(), f"{path}?{urlencode(conditions)}", remedy)


def _differing(projection: Projection) -> int:
    """Published figures that the plan neither meets nor leaves open, counted once for each computation."""
    key = f"differing:{projection.basis}:{projection.computed_at.timestamp()}:{projection.stale}"
    return made_once(key, lambda: _count_differing(projection))


def _count_differing(projection: Projection) -> int:
    entries = reconcile_published(projection).entries
    return sum(entry.figure.verdict is Agreement.DIFFERS for entry in entries)
