"""What codes are called in Japanese, on every page, mail and message."""

from datetime import date, datetime

from django.utils import timezone

from rollout.domain.allocation import ConflictKind, CountBasis
from rollout.domain.calendar_lint import WarningKind
from rollout.domain.checkpoints import Verdict
from rollout.domain.dates import Precision
from rollout.domain.findings import FindingKind
from rollout.domain.movers import Cause
from rollout.domain.plan import Basis, Reading, Status
from rollout.domain.reconciliation import Agreement, FigureKind

STATUS_LABELS = {
    Status.UNDER_REVIEW.value: "検討中",
    Status.PLANNED.value: "予定",
    Status.PREPARING.value: "準備中",
    Status.MIGRATING.value: "移行中",
    Status.IN_USE.value: "利用中",
    Status.CANCELLED.value: "中止",
}
YES, NO = "はい", "いいえ"
OVERDUE_LABEL = "予定日経過・未確認"
MERGED_LABEL = "中止（統合）"
READING_LABELS = {
    Reading.GROUP.value: "この区分だけの人数",
    Reading.RUNNING_TOTAL.value: "ここまでの累計",
    Reading.AMBIGUOUS.value: "どちらとも読める",
}
BASIS_LABELS = {
    Basis.CUMULATIVE.value: "累計として読む",
    Basis.GROUP.value: "区分の人数として読む",
}
PRECISION_LABELS = {
    Precision.DAY.value: "日",
    Precision.MONTH.value: "月",
    Precision.QUARTER.value: "四半期",
    Precision.HALF.value: "半期",
    Precision.FISCAL_YEAR.value: "年度",
    Precision.YEAR.value: "年",
}
COUNT_BASIS_LABELS = {
    CountBasis.STATED: "公表・確認",
    CountBasis.SHARED_OUT: "按分",
    CountBasis.UNKNOWN: "不明",
}
CONFLICT_LABELS = {
    ConflictKind.NEGATIVE_REMAINDER: "内訳の合計が公表値を超えています",
    ConflictKind.NOBODY_TO_SHARE: "公表値に対して内訳が足りず、割り当て先がありません",
}
CAUSE_LABELS = {
    Cause.DATE.value: "日程の変更",
    Cause.COUNT.value: "人数の変更",
    Cause.STATUS.value: "中止・再開",
    Cause.ADDED.value: "追加",
    Cause.REMOVED.value: "削除",
    Cause.MERGED.value: "統合",
    Cause.PUBLISHED_TOTAL.value: "公表人数の変更",
    Cause.SHARING.value: "按分のし直し",
}
VERDICT_LABELS = {
    Verdict.ON_COURSE.value: "達成見込み",
    Verdict.AT_RISK.value: "遅れると未達",
    Verdict.WILL_MISS.value: "未達見込み",
    Verdict.REACHED.value: "達成",
    Verdict.MISSED.value: "未達",
}
AGREEMENT_LABELS = {
    Agreement.AGREES.value: "一致",
    Agreement.CLOSE.value: "近い",
    Agreement.UNDATED.value: "未定あり",
    Agreement.DIFFERS.value: "食い違い",
}
FIGURE_KIND_LABELS = {
    FigureKind.COHORT.value: "区分ごとの公表人数",
    FigureKind.FISCAL_YEAR.value: "年度の増加",
    FigureKind.MULTIPLE.value: "前年度末に対する倍率",
    FigureKind.OBSERVATION.value: "公表された利用者数（実績）",
    FigureKind.STATED_COUNT.value: "導入案件ごとの公表人数",
    FigureKind.TARGET.value: "目標",
}
FINDING_LABELS = {
    FindingKind.THIN_REMAINDER.value: "残りの人数が定員より少ない",
    FindingKind.MIXED_WEIGHT_SCOPES.value: "定員の範囲が混じっている",
    FindingKind.SOURCES_DISAGREE.value: "出典どうしが食い違う",
    FindingKind.AMBIGUOUS_READING.value: "二通りに読める",
    FindingKind.OBSERVATIONS_CLOSE.value: "別の出典の実績と近い",
}

WARNING_LABELS = {
    WarningKind.CLOSED_DAY.value: "閉庁日",
    WarningKind.YEAR_END.value: "年末年始",
    WarningKind.FISCAL_YEAR_END.value: "年度末",
    WarningKind.FREEZE.value: "凍結期間",
    WarningKind.TOO_MANY_USERS.value: "人数の集中",
    WarningKind.TOO_MANY_CUTOVERS.value: "件数の集中",
    WarningKind.SHORT_NOTICE.value: "通知の不足",
}


def count_text(users: int | None, basis: CountBasis) -> str:
    """A count and where it comes from, in words: 「68,600人（公表・確認）」."""
    return "不明" if users is None else f"{users:,}人（{COUNT_BASIS_LABELS[basis]}）"


def day_text(day: date) -> str:
    """`2026年11月23日`."""
    return f"{day.year}年{day.month}月{day.day}日"


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
        return "1%未満"
    return f"{min(percent, 99) if users < target else percent}%"


def signed_text(users: int) -> str:
    """`+403`, `−393` (a true minus) or `±0`."""
    sign = "+" if users > 0 else "−" if users < 0 else "±"
    return f"{sign}{abs(users):,}"


def signed_percent_text(percent: float) -> str:
    """`+1.5%`, `−1.1%` (a true minus), `±0%`, and `+0.1%未満` for what is less but not nothing."""
    sign = "+" if percent > 0 else "−" if percent < 0 else "±"
    if percent and abs(percent) < 0.1:
        return f"{sign}0.1%未満"
    return f"{sign}{abs(percent):.1f}%" if percent else "±0%"
