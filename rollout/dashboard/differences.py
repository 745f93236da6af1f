"""What a comparison says, in the words and figures of its page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext

from rollout.charts import Size
from rollout.dashboard.figures import count, span_text
from rollout.dashboard.listings import LISTED
from rollout.dashboard.waterfall import NARROW, WIDE, Step, waterfall_svg
from rollout.domain.comparison import Slip, total_user_months
from rollout.domain.dates import fiscal_year_label
from rollout.domain.movers import Movement
from rollout.domain.plan import Status
from rollout.domain.projection import fiscal_year_end
from rollout.drawing import drawn_once
from rollout.models.labels import CAUSE_LABELS, STATUS_LABELS, count_text, signed_text
from rollout.states import ComparedWave, Comparison, Presence, WaveState

LISTED_WAVES = 100
NONE_TEXT = "—"


@dataclass(frozen=True)
class YearRow:
    """Users at the end of a fiscal year in both states."""

    label: str
    span: str
    in_progress: bool
    before: str
    after: str
    difference: str
    changed: bool


@dataclass(frozen=True)
class MoverRow:
    """One step of the change, and the figure that it leads to."""

    label: str
    cause: str
    users: str
    total: str


@dataclass(frozen=True)
class Explained:
    """What moved a year's end, as a picture, a sentence and a table that say the same."""

    year: str
    before: str
    after: str
    movers: Sequence[MoverRow]
    charts: Sequence[tuple[str, str]]
    chart_alt: str


@dataclass(frozen=True)
class Side:
    """A wave's cutover in one state; empty where it is not there. `full` is the period in full."""

    text: str
    full: str


@dataclass(frozen=True)
class WaveRow:
    """One wave beside itself; `changes` names what differs; `users` has two entries where they differ.

    `rollout_id` leads to the rollout's history, for who may see it.
    """

    name: str
    changes: Sequence[str]
    before: Side
    after: Side
    slip: str
    users: Sequence[str]
    user_months: str
    rollout_id: int | None


@dataclass(frozen=True)
class WaveList:
    """The waves that changed, those left off, and how many are the same."""

    rows: Sequence[WaveRow]
    left_off: int
    unchanged: int


def headline(found: Comparison, year: int) -> str:
    """The one sentence: from which figure to which."""
    movement = found.movement(fiscal_year_end(year))
    is_scenario = found.after.scenario is not None
    if movement.difference:
        sentence = (
            gettext(
                "「{label}」では、{year}末の見込みは {before}人 → {after}人（{difference}人）になります。"
            )
            if is_scenario
            else gettext(
                "「{label}」から、{year}末の見込みは {before}人 → {after}人（{difference}人）になりました。"
            )
        )
    else:
        sentence = (
            gettext("「{label}」では、{year}末の見込みは {before}人のままです。")
            if is_scenario
            else gettext("「{label}」から、{year}末の見込みは {before}人のまま変わっていません。")
        )
    return sentence.format(
        label=found.after.label if is_scenario else found.before.label,
        year=fiscal_year_label(year),
        before=count(movement.before),
        after=count(movement.after),
        difference=signed_text(movement.difference),
    )


def counts_text(waves: Sequence[ComparedWave]) -> str:
    """How many waves moved, came, went, were merged and were cancelled, in words."""
    slips = [wave.slip for wave in waves]
    cost = total_user_months(slips)
    late = (
        gettext("（差し引き {count} 人月の{value}）").format(
            count=count(abs(cost)), value=gettext("遅れ") if cost > 0 else gettext("前倒し")
        )
        if cost
        else ""
    )
    parts = [
        (sum(slip.moved for slip in slips), gettext("日程が動いた移行単位は {count}件{late}")),
        (sum(wave.presence is Presence.ADDED for wave in waves), gettext("追加は {count}件")),
        (sum(wave.presence is Presence.REMOVED for wave in waves), gettext("削除は {count}件")),
        (sum(wave.presence is Presence.MERGED for wave in waves), gettext("統合は {count}件")),
        (sum(_is_cancelled(wave) for wave in waves), gettext("中止は {count}件")),
    ]
    found = [text.format(count=count(number), late=late) for number, text in parts if number]
    return (
        gettext("{names}です。").format(names=gettext("、").join(found))
        if found
        else gettext("日程の変更、追加、削除、統合、中止はありません。")
    )


def year_rows(found: Comparison, current: int) -> list[YearRow]:
    """Every fiscal year that either curve covers."""
    return [
        YearRow(
            label=gettext("{fiscal_year_label}末").format(
                fiscal_year_label=fiscal_year_label(end.fiscal_year)
            ),
            span=span_text(end.fiscal_year),
            in_progress=end.fiscal_year == current,
            before=count(end.before),
            after=count(end.after),
            difference=signed_text(end.difference),
            changed=end.difference != 0,
        )
        for end in found.year_ends
    ]


def explain_year(found: Comparison, current: int) -> Explained | None:
    """What moved the end of the current fiscal year, else of the next that moved, else of the last before.

    None where no end moved and, at the current one, no users changed hands.
    """
    year = _telling_year(found, current)
    movement = found.movement(fiscal_year_end(year))
    if not movement.movers:
        return None
    steps = _steps(movement, found)
    moves = steps[1:-1]
    return Explained(
        year=gettext("{fiscal_year_label}末").format(fiscal_year_label=fiscal_year_label(year)),
        before=count(movement.before),
        after=count(movement.after),
        movers=[
            MoverRow(
                step.words[0], "".join(step.words[1:]), signed_text(step.end - step.start), count(step.end)
            )
            for step in moves
        ],
        charts=[_chart(steps, size) for size in (WIDE, NARROW)],
        chart_alt=_alt(
            gettext("{fiscal_year_label}末").format(fiscal_year_label=fiscal_year_label(year)), steps
        ),
    )


def _telling_year(found: Comparison, current: int) -> int:
    moved = [end.fiscal_year for end in found.year_ends if end.difference]
    ahead = [year for year in moved if year >= current]
    return next(iter([*ahead, *reversed(moved)]), current)


def _steps(movement: Movement, found: Comparison) -> list[Step]:
    """From the one total to the other; the smallest movers, if there are many, in one step."""
    listed = movement.movers if len(movement.movers) <= LISTED else movement.movers[: LISTED - 1]
    moves: list[tuple[tuple[str, ...], int]] = [
        ((found.names[mover.rollout].label, str(CAUSE_LABELS[mover.cause])), mover.users) for mover in listed
    ]
    rest = movement.movers[len(listed) :]
    if rest:
        moves.append(
            ((gettext("ほか {count}件").format(count=count(len(rest))),), sum(mover.users for mover in rest))
        )
    steps, users = [Step((found.before.label,), movement.before, movement.before)], movement.before
    for words, change in moves:
        steps.append(Step(words, users, users + change))
        users += change
    return [*steps, Step((found.after.label,), users, users)]


def _chart(steps: Sequence[Step], size: Size) -> tuple[str, str]:
    """The size's name and the SVG, drawn once for the same steps."""
    return size.name, drawn_once("waterfall", waterfall_svg, steps, size)


def _alt(year: str, steps: Sequence[Step]) -> str:
    """What the chart shows, in one sentence for those who do not see it."""
    moves = gettext("、").join(
        gettext("{names}で{signed_text}人").format(
            names=gettext("の").join(step.words), signed_text=signed_text(step.end - step.start)
        )
        for step in steps[1:-1]
    )
    first, last = steps[0], steps[-1]
    return gettext(
        "{year}の累計利用者数の差の内訳の図。{value}の{count}人から、{moves}、{value2}は{count2}人。"
    ).format(
        year=year,
        value=first.words[0],
        count=count(first.end),
        moves=moves,
        value2=last.words[0],
        count2=count(last.end),
    )


def list_waves(waves: Sequence[ComparedWave], rollout_ids: Mapping[str, int]) -> WaveList:
    """The waves that changed: those that came, went or were cancelled, then the dearest slips.

    `rollout_ids` names by code the rollouts whose history the reader may see.
    """
    changed = sorted((wave for wave in waves if wave.changed), key=_rank)
    listed = changed[:LISTED_WAVES]
    rows = [_wave_row(wave, rollout_ids.get(wave.slip.rollout)) for wave in listed]
    return WaveList(rows, len(changed) - len(listed), len(waves) - len(changed))


def _rank(wave: ComparedWave) -> tuple[bool, int, str, str]:
    slip = wave.slip
    return slip.months is not None, -abs(slip.user_months or 0), slip.rollout, slip.wave


def _wave_row(wave: ComparedWave, rollout_id: int | None) -> WaveRow:
    slip = wave.slip
    users = dict.fromkeys(_users_text(side) for side in (wave.before, wave.after) if side)
    return WaveRow(
        name=wave.label,
        changes=_changes(wave),
        before=_side(wave.before),
        after=_side(wave.after),
        slip=slip_text(slip),
        users=list(users),
        user_months=user_months_text(slip),
        rollout_id=rollout_id,
    )


def _side(wave: WaveState | None) -> Side:
    if wave is None:
        return Side("", "")
    return Side(wave.cutover.text or wave.cutover.format_short(), wave.cutover.format_japanese())


def _users_text(wave: WaveState) -> str:
    return count_text(wave.users, wave.count_basis)


def _changes(wave: ComparedWave) -> list[str]:
    """What is otherwise, in words."""
    before, after = wave.before, wave.after
    if before is None:
        return [gettext("追加")]
    if after is None:
        return [gettext("統合") if wave.presence is Presence.MERGED else gettext("削除")]
    changes = [] if before.status == after.status else [_status_change(before.status, after.status)]
    if before.cutover != after.cutover:
        changes.append(gettext("日程"))
    if (before.users, before.count_basis) != (after.users, after.count_basis):
        changes.append(gettext("人数"))
    return changes


def _is_cancelled(wave: ComparedWave) -> bool:
    """True where it was not before, and still is a wave."""
    before, after = wave.before, wave.after
    return before is not None and after is not None and after.status == Status.CANCELLED != before.status


def _status_change(before: str, after: str) -> str:
    if after == Status.CANCELLED:
        return gettext("中止")
    if before == Status.CANCELLED:
        return gettext("再開")
    return f"{STATUS_LABELS[before]}→{STATUS_LABELS[after]}"


def slip_text(slip: Slip) -> str:
    """`+3か月`, `+1〜+23か月` where periods are longer than a month; `—` where it did not slip."""
    if not slip.moved or slip.months is None or slip.low is None or slip.high is None:
        return NONE_TEXT
    if slip.low == slip.high:
        return gettext("{signed_text}か月").format(signed_text=signed_text(slip.months))
    return gettext("{signed_text}〜{signed_text2}か月").format(
        signed_text=signed_text(slip.low), signed_text2=signed_text(slip.high)
    )


def user_months_text(slip: Slip) -> str:
    """`205,800 人月`; `不明` for a slip of nobody knows how many; `—` where it did not slip."""
    if not slip.moved or slip.months is None:
        return NONE_TEXT
    if slip.user_months is None:
        return gettext("不明")
    return gettext("{value}{count} 人月").format(
        value="−" if slip.user_months < 0 else "", count=count(abs(slip.user_months))
    )
