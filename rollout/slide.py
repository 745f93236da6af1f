"""The yearly slide: the published groups in the form of the budget document, from the plan as it is.

Every group with its total (約) and its members (`国税庁 (R8.6~)`), those of a group that is also the increase
of a fiscal year underlined, and the sentence about that increase. It is made only where the plan bears it out
(SlideRefused): sums that agree within their rounding, but for what the source itself calls undecided, and
every underlined member, and nobody else, with a cutover in the fiscal year, the groups before it earlier and
the rest of its own group later. Whether those in use are so is for who confirms it. Always in Japanese.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rollout.domain.dates import FuzzyDate, fiscal_year_label
from rollout.domain.plan import Status
from rollout.domain.reconciliation import Agreement, FigureKind
from rollout.models import Cohort, Projection, Rollout
from rollout.models.labels import always_japanese, signed_text
from rollout.reconciliation import Entry, reconcile_published

SUMS = (FigureKind.COHORT, FigureKind.FISCAL_YEAR, FigureKind.MULTIPLE)
STALE = (
    "計画の変更がまだ見込みに反映されていません。"
    "1分ほど待ってやり直すか、manage.py recompute を実行してください。"
)
NOTHING = "公表された区分がありません。"


class SlideRefused(Exception):  # noqa: N818 (a refusal, and no error of the program)
    """The plan does not bear the slide out; `reasons` say what to look at, a sentence each."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = reasons


class Member(NamedTuple):
    """A rollout as the slide names it."""

    text: str
    underlined: bool


@dataclass(frozen=True)
class Group:
    """A published group; `undecided` are the source's words for members not yet named, or empty."""

    label: str
    total: str
    members: Sequence[Member]
    undecided: str


@dataclass(frozen=True)
class Slide:
    """`legends` say what is underlined; `sentences` what a fiscal year is to add."""

    groups: Sequence[Group]
    legends: Sequence[str]
    sentences: Sequence[str]

    def text(self) -> str:
        """All of it in plain text, what is underlined between 【 and 】."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        for group in self.groups:
            yield f"■ {group.label}（{group.total}）"
            for member in group.members:
                yield f"  ・{f'【{member.text}】' if member.underlined else member.text}"
            if group.undecided:
                yield f"  ※ {group.undecided}"
            yield ""
        for legend in self.legends:
            yield f"【】は{legend}"
        yield from self.sentences


@always_japanese
def make_slide(projection: Projection) -> Slide:
    """The slide of the plan behind a stored projection. Raises SlideRefused with every reason against it."""
    cohorts = list(Cohort.objects.all())
    if projection.stale or not cohorts:
        raise SlideRefused([STALE if projection.stale else NOTHING])
    rollouts = list(_rollouts())
    moving = [each for row in rollouts if (each := _Dated.read(row)).cutovers]
    reasons = [
        *_sums_that_differ(projection, cohorts),
        *_dates_that_differ(cohorts, moving),
        *(f"「{row.label}」には移行単位がありません。" for row in rollouts if not row.waves.all()),
    ]
    if reasons:
        raise SlideRefused(reasons)
    underlined = [cohort for cohort in cohorts if cohort.fiscal_year is not None]
    marked = {each.pk for cohort in underlined for each in _from_inside(cohort, cohorts)}
    return Slide(
        [_group(cohort, cohorts, moving, marked) for cohort in cohorts if cohort.inside_id is None],
        [f"{_year(cohort)}導入予定" for cohort in underlined],
        [_sentence(cohort) for cohort in underlined if cohort.published_users is not None],
    )


@dataclass(frozen=True)
class _Dated:
    """A rollout with the cutovers of its waves that move, the first one first."""

    rollout: Rollout
    cutovers: Sequence[FuzzyDate]

    @classmethod
    def read(cls, rollout: Rollout) -> "_Dated":
        waves = [wave for wave in rollout.waves.all() if not wave.is_merged]
        moving = [wave.cutover for wave in waves if wave.status != Status.CANCELLED]
        return cls(rollout, sorted(moving, key=lambda each: each.sort_key))

    @property
    def when(self) -> str:
        """Of the first of its waves; where others follow later, from then on."""
        first = self.cutovers[0]
        follows = len(set(self.cutovers)) > 1 and not first.open_ended and not first.is_undecided
        return f"{first.format_short()}~" if follows else first.format_short()

    @property
    def text(self) -> str:
        """`農林水産省 本省 (R4.10~)`, `法務省 (一部R7.10~)`."""
        rollout, part = self.rollout, "一部" if self.rollout.partial else ""
        scope = "" if rollout.scope == part else rollout.scope
        scope = f"({scope})" if scope.endswith("を含む") else scope
        return " ".join(filter(None, (rollout.lead_ministry.name, scope, f"({part}{self.when})")))


def _rollouts() -> Iterable[Rollout]:
    rows = Rollout.objects.select_related("lead_ministry").prefetch_related("waves")
    return rows.order_by("cohort__order", "order", "code")


def _group(cohort: Cohort, cohorts: Sequence[Cohort], moving: Sequence[_Dated], marked: set[int]) -> Group:
    places = {each.pk: place for place, each in enumerate(_from_inside(cohort, cohorts))}
    own = sorted(
        (each for each in moving if each.rollout.cohort_id in places),
        key=lambda each: places[each.rollout.cohort_id],
    )
    members = [Member(each.text, each.rollout.cohort_id in marked) for each in own]
    return Group(cohort.label, _total(cohort), members, cohort.undecided_note)


def _from_inside(cohort: Cohort, cohorts: Sequence[Cohort]) -> Iterator[Cohort]:
    """The cohorts inside this one, in order, then itself: what the source underlines stands first."""
    for inner in cohorts:
        if inner.inside_id == cohort.pk:
            yield from _from_inside(inner, cohorts)
    yield cohort


def _total(cohort: Cohort) -> str:
    if cohort.published_users is None:
        return "人数は未公表"
    return f"{_about(cohort)}{cohort.published_users:,}ユーザー"


def _about(cohort: Cohort) -> str:
    return "約" if cohort.approximate else ""


def _year(cohort: Cohort) -> str:
    return "" if cohort.fiscal_year is None else fiscal_year_label(cohort.fiscal_year)


def _sentence(cohort: Cohort) -> str:
    """`R7年度末からR8年度末にかけて、ユーザー数は倍増 (約8万の増加) を見込む`."""
    users = cohort.published_users or 0
    number = f"{users // 10_000:,}万" if users % 10_000 == 0 else f"{users:,}人"
    increase = f"{_about(cohort)}{number}の増加"
    times = {None: "", 2: "倍増"}.get(cohort.published_multiple, f"{cohort.published_multiple}倍")
    year = cohort.fiscal_year or 0
    whole = f"{times} ({increase}) " if times else increase
    return (
        f"{fiscal_year_label(year - 1)}末から{fiscal_year_label(year)}末にかけて、ユーザー数は{whole}を見込む"
    )


def _sums_that_differ(projection: Projection, cohorts: Sequence[Cohort]) -> Iterator[str]:
    undecided = {cohort.code for cohort in cohorts if cohort.undecided_note}
    for entry in reconcile_published(projection).entries:
        figure = entry.figure
        is_undecided = figure.kind is FigureKind.COHORT and entry.code in undecided
        excused = (Agreement.AGREES, Agreement.UNDATED) if is_undecided else (Agreement.AGREES,)
        if figure.kind in SUMS and figure.verdict not in excused:
            yield _difference(entry)


def _difference(entry: Entry) -> str:
    figure = entry.figure
    about = "約" if entry.approximate and not figure.multiple else ""
    return (
        f"「{entry.label}」は公表値が{about}{figure.published:,}人、計画が{figure.computed:,}人で、"
        f"丸めの幅（±{figure.tolerance:,}人）を超えて違います（{signed_text(figure.difference)}人）。"
    )


def _dates_that_differ(cohorts: Sequence[Cohort], moving: Sequence[_Dated]) -> Iterator[str]:
    """Who moves in the year of an underlined group without being in it, or the other way round."""
    tops = [cohort for cohort in cohorts if cohort.inside_id is None]
    place = {each.pk: number for number, top in enumerate(tops) for each in _from_inside(top, cohorts)}
    for cohort in cohorts:
        if cohort.fiscal_year is None:
            continue
        inside = {each.pk for each in _from_inside(cohort, cohorts)}
        for each in moving:
            group = each.rollout.cohort_id
            side = 0 if group in inside else place[group] - place[cohort.pk] or 1
            if reason := _misplaced(each, cohort.fiscal_year, side):
                yield f"「{each.text}」は{reason}"


def _misplaced(each: _Dated, year: int, side: int) -> str:
    """Why a rollout does not belong where it stands: within the group of the year, before it or after it."""
    name, years = fiscal_year_label(year), {cutover.fiscal_year for cutover in each.cutovers}
    if side == 0:
        return "" if years == {year} else f"{name}導入予定の区分ですが、切替が{name}ではありません。"
    if year in years:
        return f"切替が{name}ですが、{name}導入予定の区分ではありません。"
    if side < 0:
        is_before = all(other is not None and other < year for other in years)
        return "" if is_before else f"{name}より前の区分ですが、切替が{name}より前ではありません。"
    is_after = all(other is None or other > year for other in years)
    return "" if is_after else f"{name}以降の区分ですが、切替が{name}より前です。"
