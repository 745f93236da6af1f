"""The digest to the PMO: where the plan stands, what needs somebody's attention, which mail did not go out.

It goes to the PMO alone, so that addresses stand in it. Each section says how many there are, lists at
most `LISTED`, and says 「ありません」 where there is nothing. It looks back a week, or to the last digest
where that is longer ago, so that nothing falls between two. The number of queries does not grow with
the rows.
"""

import unicodedata
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from django.db.models import Count, Max, Min
from django.utils import timezone

from rollout.charts import month_text, s_curve_png
from rollout.domain.dates import FuzzyDate, Precision, fiscal_year_label, fiscal_year_of
from rollout.domain.movers import explain
from rollout.domain.plan import Basis
from rollout.domain.projection import current_month, fiscal_year_end, fiscal_year_in_progress
from rollout.domain.reminders import TOLD_STATES, Kind, State, due_moment, sending_since
from rollout.drawing import read_observed
from rollout.history import complete_since
from rollout.models import Projection, Reminder, Wave
from rollout.models.labels import (
    CAUSE_LABELS,
    OVERDUE_LABEL,
    always_japanese,
    count_text,
    day_text,
    moment_text,
    share_text,
    signed_text,
)
from rollout.models.plan import WaveQuerySet
from rollout.models.reminders import STATE_LABELS, ReminderQuerySet
from rollout.outbox.failures import LOST_STATES, failing_addresses, lost_since
from rollout.reader import read_plan
from rollout.states import rollout_names

LISTED = 50
UPCOMING_DAYS = 90
UNCONFIRMED_DAYS = 90
WEEK = timedelta(days=7)
HELD_AFTER = timedelta(minutes=15)

LABEL_WIDTH = 14
"""Columns that the words before a figure take, a Japanese letter taking two."""

ANSWER_LENGTH = 100
NOTHING = "ありません。"


@always_japanese
def digest_text(now: datetime) -> str:
    """The digest as of `now`, its sections with an empty line between them."""
    today, since = timezone.localdate(now), _looks_back_to(now)
    projection = Projection.objects.current(Basis.CUMULATIVE, today)
    back = "先週" if since == now - WEEK else "前回のまとめ"
    sections = [
        f"GSS導入計画のまとめです（{moment_text(now)} 時点）。",
        _outlook(projection),
        *_waves(projection, today),
        _lost(since, back),
        _failing(),
        _movers(since, now, back),
        *_held(now),
    ]
    return "\n\n".join(sections)


@always_japanese
def digest_picture(now: datetime) -> bytes | None:
    """The curve for the mail, as a PNG; None before the first computation."""
    projection = Projection.objects.current(Basis.CUMULATIVE, timezone.localdate(now))
    if projection is None:
        return None
    return s_curve_png(projection.curve, read_observed())


def _looks_back_to(now: datetime) -> datetime:
    """A week ago, or when the last digest before today was sent where that is longer ago."""
    today = due_moment(timezone.localdate(now)).replace(hour=0)
    digests = Reminder.objects.filter(wave=None, rule__kind=Kind.DIGEST, state__in=TOLD_STATES)
    last: datetime | None = digests.filter(claimed_at__lt=today).aggregate(last=Max("claimed_at"))["last"]
    return min(now - WEEK, last or now)


def _section(title: str, entries: Sequence[str], total: int, lead: str = "") -> str:
    """A heading with the number there is in all, and below it what is shown of it."""
    if not total:
        return f"■ {title}\n{NOTHING}"
    left_off = total - len(entries)
    more = f"ほか{left_off:,}件" if left_off else ""
    return "\n".join(filter(None, [f"■ {title}　{total:,}件", lead, *entries, more]))


def _figure(label: str, text: str) -> str:
    """A line of two columns."""
    width = sum(2 if unicodedata.east_asian_width(letter) in "WFA" else 1 for letter in label)
    full, half = divmod(LABEL_WIDTH - width, 2)
    return f"{label}{' ' * half}{'　' * full}{text}"


def _outlook(projection: Projection | None) -> str:
    """Users now and at the end of the fiscal year, against the target."""
    if projection is None:
        return "■ 見込み\nまだ計算されていません。"
    curve, target = projection.curve, projection.curve.target_users
    now, year = current_month(curve), fiscal_year_in_progress(curve)
    end = curve.at(fiscal_year_end(year))
    lines = [
        "■ 見込み",
        _figure(f"{fiscal_year_label(year)}末", f"{end.cumulative:,}人"),
        _figure("　幅", f"{end.low:,}〜{end.high:,}人"),
        _figure("　目標", _against(end.cumulative, target)),
        _figure("現在の計画", f"{now.cumulative:,}人（{month_text(now.first_month)}まで）"),
        _figure("利用確認済み", f"{now.confirmed:,}人"),
        _figure("時期未定", f"{curve.undated_users:,}人"),
    ]
    if projection.stale:
        lines.append(f"※ {moment_text(projection.computed_at)} の計算です。その後の変更は入っていません。")
    return "\n".join(lines)


def _against(users: int, target: int | None) -> str:
    return f"{target:,}人の {share_text(users, target)}" if target else "登録されていません"


def _waves(projection: Projection | None, today: date) -> list[str]:
    """The waves that are near, too late, or confirmed too long ago."""
    long_ago = today - timedelta(days=UNCONFIRMED_DAYS)
    lists: list[tuple[str, WaveQuerySet, Callable[[Wave], str]]] = [
        (
            f"今後{UPCOMING_DAYS}日の切替",
            Wave.objects.upcoming(today, UPCOMING_DAYS),
            lambda wave: _days_left(wave.cutover, today),
        ),
        (
            str(OVERDUE_LABEL),
            Wave.objects.overdue_unconfirmed(today),
            lambda wave: _days_past(wave.cutover, today),
        ),
        (
            f"日程確認がない（{UNCONFIRMED_DAYS}日以上）",
            Wave.objects.unconfirmed_since(long_ago, today),
            _last_confirmed,
        ),
    ]
    return [_wave_list(projection, *each) for each in lists]


def _wave_list(
    projection: Projection | None, title: str, waves: WaveQuerySet, note: Callable[[Wave], str]
) -> str:
    entries = [
        f"・{wave.cutover.text}　{wave}\n　　{note(wave)}、{_users(projection, wave)}"
        for wave in waves.for_display()[:LISTED]
    ]
    return _section(title, entries, waves.count())


def _users(projection: Projection | None, wave: Wave) -> str:
    users, basis = projection.count_of(wave.pk) if projection else (None, None)
    return "人数は不明" if users is None or basis is None else count_text(users, basis)


def _days_left(cutover: FuzzyDate, today: date) -> str:
    if cutover.earliest is None or cutover.earliest <= today:
        return "本日" if cutover.precision is Precision.DAY else "切替の期間中"
    days = f"あと{(cutover.earliest - today).days}日"
    return days if cutover.precision is Precision.DAY else f"期間の初日まで{days}"


def _days_past(cutover: FuzzyDate, today: date) -> str:
    last = "予定日" if cutover.precision is Precision.DAY else "期間の最終日"
    return f"{last}から{(today - (cutover.latest or today)).days}日経過"


def _last_confirmed(wave: Wave) -> str:
    since = timezone.localdate(wave.cutover_since)
    if wave.confirmed_on and wave.confirmed_on >= since:
        return f"最後の日程確認は{day_text(wave.confirmed_on)}"
    return f"{day_text(since)}にこの日程になってから確認なし"


def _lost(since: datetime, back: str) -> str:
    """What should have been told and was not, or may not have been."""
    rows = lost_since(since)
    counts = dict(rows.order_by().values_list("state").annotate(Count("pk")))
    states = [f"{STATE_LABELS[state.value]} {counts[state]:,}件" for state in LOST_STATES if state in counts]
    shown = rows.for_display().defer("body", "calendar", "picture")
    entries = [_lost_entry(row) for row in shown[:LISTED]]
    return _section(f"送れなかった通知（{back}から）", entries, sum(counts.values()), "、".join(states))


def _lost_entry(row: Reminder) -> str:
    day = day_text(timezone.localdate(row.due_at))
    why = row.server_answer or ("" if row.state == State.MISSED else row.state_note)
    lines = [
        f"・{row.get_state_display()}　{row.wave or 'PMO'}",
        f"{row.rule.label}（{day}の分）",
        row.address,
        _short(why),
    ]
    return "\n　　".join(filter(None, lines))


def _short(answer: str) -> str:
    """A mail server's answer on one line."""
    text = " ".join(answer.split())
    return text if len(text) <= ANSWER_LENGTH else f"{text[:ANSWER_LENGTH]}…"


def _failing() -> str:
    """Addresses that somebody has to correct or switch off."""
    found = failing_addresses()
    entries = [
        f"・{each.address}（{'、'.join(each.ministries)}）\n"
        f"　　続けて{each.failures:,}回、最後は{day_text(timezone.localdate(each.failed_at))}\n"
        f"　　{_short(each.answer)}"
        for each in found[:LISTED]
    ]
    return _section("くり返し届かない宛先", entries, len(found))


def _movers(since: datetime, now: datetime, back: str) -> str:
    """What moved the end of the fiscal year."""
    title = f"■ {back}からの動き"
    known = complete_since()
    if known is None or known > since:
        begun = f"計画の履歴は {moment_text(known)} からです。" if known else "計画の履歴がまだありません。"
        return f"{title}\n{begun}\n{moment_text(since)} の計画とは比べられません。"
    year = fiscal_year_of(timezone.localdate(now))
    before, after = read_plan(since)[0], read_plan(now)[0]
    movement = explain(before, after, basis=Basis.CUMULATIVE, month=fiscal_year_end(year))
    end = f"{fiscal_year_label(year)}末の計画"
    if not movement.movers:
        return f"{title}\n{NOTHING}{end}は {movement.after:,}人のままです。"
    names = rollout_names(since) | rollout_names(now)
    entries = [
        f"・{names[mover.rollout].label}　{signed_text(mover.users)}人（{CAUSE_LABELS[mover.cause]}）"
        for mover in movement.movers[:LISTED]
    ]
    changed = (
        f"{end}　{movement.before:,}人 → {movement.after:,}人（{signed_text(movement.difference)}人）\n"
        f"比べた時点　{moment_text(since)}"
    )
    return _section(title.removeprefix("■ "), entries, len(movement.movers), changed)


def _held(now: datetime) -> list[str]:
    """What should have gone out by now and waits, with the reasons on the rows; nothing where none does."""
    rows = _waiting_too_long(now)
    reasons = list(
        rows.values_list("state_note", "server_answer").annotate(rows=Count("pk"), oldest=Min("due_at"))
    )
    if not reasons:
        return []
    total, oldest = sum(rows for *_, rows, _ in reasons), min(oldest for *_, oldest in reasons)
    entries = [
        f"・{_short(note or answer) or '送信の順番を待っています。'}　{rows:,}件"
        for note, answer, rows, _ in sorted(reasons, key=lambda reason: -reason[2])[:LISTED]
    ]
    heading = f"■ 送信待ちのままの通知　{total:,}件"
    return ["\n".join([heading, f"最も古いものは {moment_text(oldest)} の分", *entries])]


def _waiting_too_long(now: datetime) -> ReminderQuerySet:
    """Due for longer than `HELD_AFTER` while mail may go out; the digest itself does not count."""
    latest, opened = now - HELD_AFTER, sending_since(now)
    if opened is None or opened > latest:
        return Reminder.objects.none()
    due = Reminder.objects.filter(state=State.DUE, due_at__lte=latest)
    return due.exclude(rule__kind=Kind.DIGEST).order_by()
