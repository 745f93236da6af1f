"""How the admin says things: what was read from a text, how far away a day is, where a count comes from."""

from collections.abc import Iterable
from datetime import date

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout.domain.dates import UNDECIDED, FuzzyDate, Precision, fiscal_year_label
from rollout.models import Projection, Rollout, ScenarioChange, Wave
from rollout.models.counts import rollout_count
from rollout.models.labels import MERGED_LABEL, OVERDUE_LABEL, STATUS_LABELS, count_text
from rollout.scenarios import Fact

EMPTY = "—"
UNKNOWN = _("不明")
NOT_COMPUTED = _("計算待ち")
STALE_NOTE = _("・再計算待ち")


def period_text(cutover: FuzzyDate) -> str:
    """The days that a text names: `2026-06-01〜2026-06-30`, one day, or an open `2026-04-01〜`."""
    if cutover.earliest is None:
        return gettext("日付なし")
    if cutover.precision is Precision.DAY and cutover.latest:
        return cutover.earliest.isoformat()
    return gettext("{earliest}〜{value}").format(earliest=cutover.earliest, value=cutover.latest or "")


def year_text(cutover: FuzzyDate) -> str:
    """`R8年度`, or a dash where no fiscal year is named."""
    return EMPTY if cutover.fiscal_year is None else fiscal_year_label(cutover.fiscal_year)


def reading_text(cutover: FuzzyDate) -> str:
    """Everything that was read: `令和8年6月 ／ 2026-06-01〜2026-06-30 ／ R8年度`."""
    parts = [cutover.format_japanese(), period_text(cutover)]
    if cutover.fiscal_year is not None:
        parts.append(year_text(cutover))
    return gettext(" ／ ").join(parts)


def days_text(wave: Wave, today: date) -> str:
    """How far away a wave still is: `あと192日`, `期間中`, `3日経過`; a dash once it is settled."""
    earliest, latest = wave.cutover.earliest, wave.cutover.latest
    if earliest is None or wave.status in ("in_use", "cancelled"):
        return EMPTY
    if earliest > today:
        return gettext("あと{days:,}日").format(days=(earliest - today).days)
    if latest is None or (latest > earliest and latest >= today):
        return gettext("期間中")
    return (
        gettext("本日") if latest == today else gettext("{days:,}日経過").format(days=(today - latest).days)
    )


def status_cell(wave: Wave, today: date) -> SafeString:
    """The status; one that stands past its day is marked, on a line of its own."""
    text = MERGED_LABEL if wave.is_merged else STATUS_LABELS[wave.status]
    label = format_html('<span class="status status-{}">{}</span>', wave.status, text)
    if not wave.is_overdue_unconfirmed(today):
        return label
    return format_html('{}<br><span class="status status-overdue">{}</span>', label, OVERDUE_LABEL)


def wave_users_text(projection: Projection | None, wave: Wave) -> str:
    """The users of a wave, and where the number comes from; a dash for a merged one."""
    if wave.is_merged:
        return EMPTY
    if projection is None:
        return str(NOT_COMPUTED)
    return count_text(*projection.count_of(wave.pk)) + (STALE_NOTE if projection.stale else "")


def rollout_users_text(projection: Projection | None, rollout: Rollout, waves: Iterable[Wave]) -> str:
    """The same of a rollout, but for cancelled waves."""
    if projection is None:
        return str(NOT_COMPUTED)
    count = rollout_count(rollout, waves, lambda wave: projection.count_of(wave.pk))
    return count_text(*count) + (STALE_NOTE if projection.stale else "")


def fact_text(fact: Fact, field: str) -> str:
    """A cutover, a count or a status as the pages say it: `R8.6~`, `68,600人`, `予定`."""
    if isinstance(fact, FuzzyDate):
        return fact.text or UNDECIDED
    if field == ScenarioChange.Field.USERS:
        return str(UNKNOWN) if fact is None else gettext("{fact:,}人").format(fact=fact)
    return str(STATUS_LABELS[str(fact)])
