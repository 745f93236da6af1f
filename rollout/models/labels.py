"""What codes are called in Japanese, on every page, mail and message."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from django.utils import timezone
from django.utils.functional import lazy
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from rollout.domain.allocation import ConflictKind, CountBasis
from rollout.domain.calendar_lint import WarningKind
from rollout.domain.checkpoints import Verdict
from rollout.domain.dates import FuzzyDateError, Precision
from rollout.domain.findings import FindingKind
from rollout.domain.movers import Cause
from rollout.domain.plan import Basis, Reading, Status
from rollout.domain.projection import Granularity
from rollout.domain.reconciliation import Agreement, FigureKind
from rollout.domain.words import Words, day_words

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Args = ParamSpec("Args")
Made = TypeVar("Made")

STATUS_LABELS = {
    Status.UNDER_REVIEW.value: _("検討中"),
    Status.PLANNED.value: _("予定"),
    Status.PREPARING.value: _("準備中"),
    Status.MIGRATING.value: _("移行中"),
    Status.IN_USE.value: _("利用中"),
    Status.CANCELLED.value: _("中止"),
}
YES, NO = _("はい"), _("いいえ")
OVERDUE_LABEL = _("予定日経過・未確認")
MERGED_LABEL = _("中止（統合）")
READING_LABELS = {
    Reading.GROUP.value: _("この区分だけの人数"),
    Reading.RUNNING_TOTAL.value: _("ここまでの累計"),
    Reading.AMBIGUOUS.value: _("どちらとも読める"),
}
BASIS_LABELS = {
    Basis.CUMULATIVE.value: _("累計として読む"),
    Basis.GROUP.value: _("区分の人数として読む"),
}
GRANULARITY_LABELS = {
    Granularity.MONTH: _("月ごと"),
    Granularity.QUARTER: _("四半期ごと"),
    Granularity.FISCAL_YEAR: _("年度ごと"),
}
PRECISION_LABELS = {
    Precision.DAY.value: _("日"),
    Precision.MONTH.value: _("月"),
    Precision.QUARTER.value: _("四半期"),
    Precision.HALF.value: _("半期"),
    Precision.FISCAL_YEAR.value: _("年度"),
    Precision.YEAR.value: _("年"),
}
COUNT_BASIS_LABELS = {
    CountBasis.STATED: _("公表・確認"),
    CountBasis.SHARED_OUT: _("按分"),
    CountBasis.UNKNOWN: _("不明"),
}
CONFLICT_LABELS = {
    ConflictKind.NEGATIVE_REMAINDER: _("内訳の合計が公表値を超えています"),
    ConflictKind.NOBODY_TO_SHARE: _("公表値に対して内訳が足りず、割り当て先がありません"),
}
CAUSE_LABELS = {
    Cause.DATE.value: _("日程の変更"),
    Cause.COUNT.value: _("人数の変更"),
    Cause.STATUS.value: _("中止・再開"),
    Cause.ADDED.value: _("追加"),
    Cause.REMOVED.value: _("削除"),
    Cause.MERGED.value: _("統合"),
    Cause.PUBLISHED_TOTAL.value: _("公表人数の変更"),
    Cause.SHARING.value: _("按分のし直し"),
}
VERDICT_LABELS = {
    Verdict.ON_COURSE.value: _("達成見込み"),
    Verdict.AT_RISK.value: _("遅れると未達"),
    Verdict.WILL_MISS.value: _("未達見込み"),
    Verdict.REACHED.value: _("達成"),
    Verdict.MISSED.value: _("未達"),
}
AGREEMENT_LABELS = {
    Agreement.AGREES.value: _("一致"),
    Agreement.CLOSE.value: _("近い"),
    Agreement.UNDATED.value: _("未定あり"),
    Agreement.DIFFERS.value: _("食い違い"),
}
FIGURE_KIND_LABELS = {
    FigureKind.COHORT.value: _("区分ごとの公表人数"),
    FigureKind.FISCAL_YEAR.value: _("年度の増加"),
    FigureKind.MULTIPLE.value: _("前年度末に対する倍率"),
    FigureKind.OBSERVATION.value: _("公表された利用者数（実績）"),
    FigureKind.STATED_COUNT.value: _("導入案件ごとの公表人数"),
    FigureKind.TARGET.value: _("目標"),
}
FINDING_LABELS = {
    FindingKind.THIN_REMAINDER.value: _("残りの人数が定員より少ない"),
    FindingKind.MIXED_WEIGHT_SCOPES.value: _("定員の範囲が混じっている"),
    FindingKind.SOURCES_DISAGREE.value: _("出典どうしが食い違う"),
    FindingKind.AMBIGUOUS_READING.value: _("二通りに読める"),
    FindingKind.OBSERVATIONS_CLOSE.value: _("別の出典の実績と近い"),
}

WARNING_LABELS = {
    WarningKind.CLOSED_DAY.value: _("閉庁日"),
    WarningKind.YEAR_END.value: _("年末年始"),
    WarningKind.FISCAL_YEAR_END.value: _("年度末"),
    WarningKind.FREEZE.value: _("凍結期間"),
    WarningKind.TOO_MANY_USERS.value: _("人数の集中"),
    WarningKind.TOO_MANY_CUTOVERS.value: _("件数の集中"),
    WarningKind.SHORT_NOTICE.value: _("通知の不足"),
}


def say(words: Words) -> str:
    """What the rules have come to, in the reader's language."""
    return words.said(gettext)


def reason_of(error: ValueError) -> str:
    """Why a text cannot be read, in the reader's language."""
    return say(error.words) if isinstance(error, FuzzyDateError) else str(error)


def in_japanese(words: "StrOrPromise | None") -> str:
    """As they stand in tables that travel, and in what is stored."""
    with override("ja"):
        return str(words)


joined: Callable[[Iterable[str]], str] = lazy(lambda texts: gettext("、").join(texts), str)
"""Texts in a line; a message that is written down before anybody reads it can hold it."""


def always_japanese(function: Callable[Args, Made]) -> Callable[Args, Made]:
    """Of what is mailed, stored or sent around as a table: whoever asks for it, it is Japanese."""

    @wraps(function)
    def in_japanese(*args: Args.args, **kwargs: Args.kwargs) -> Made:
        with override("ja"):
            return function(*args, **kwargs)

    return in_japanese


def each_in_japanese(rows: Iterator[Made]) -> Iterator[Made]:
    """The same for rows that are made one by one, while they are sent."""
    while True:
        with override("ja"):
            try:
                row = next(rows)
            except StopIteration:
                return
        yield row


def count_text(users: int | None, basis: CountBasis) -> str:
    """A count and where it comes from, in words: 「68,600人（公表・確認）」."""
    return (
        gettext("不明")
        if users is None
        else gettext("{users:,}人（{count_basis}）").format(
            users=users, count_basis=COUNT_BASIS_LABELS[basis]
        )
    )


def day_text(day: date) -> str:
    """`2026年11月23日`."""
    return say(day_words(day))


def moment_text(moment: datetime) -> str:
    """`2026年11月23日 16:00` in Tokyo."""
    local = timezone.localtime(moment)
    return f"{day_text(local)} {local:%H:%M}"


def share_text(users: int, target: int | None) -> str:
    """`56%` of the target; never 100% before it is reached nor 0% above nothing. Empty without a target."""
    if not target:
        return ""
    percent = round(100 * users / target)
    if percent == 0 < users:
        return gettext("1%未満")
    return f"{min(percent, 99) if users < target else percent}%"


def signed_text(users: int) -> str:
    """`+403`, `−393` (a true minus) or `±0`."""
    sign = "+" if users > 0 else "−" if users < 0 else "±"
    return f"{sign}{abs(users):,}"


def signed_percent_text(percent: float) -> str:
    """`+1.5%`, `−1.1%` (a true minus), `±0%`, and `+0.1%未満` for what is less but not nothing."""
    sign = "+" if percent > 0 else "−" if percent < 0 else "±"
    if percent and abs(percent) < 0.1:
        return gettext("{sign}0.1%未満").format(sign=sign)
    return f"{sign}{abs(percent):.1f}%" if percent else "±0%"
