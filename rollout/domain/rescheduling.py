"""A period moved by whole months stays as fine, or as coarse, as it was.

- R8.6~ and 3 months are R8.9~; R8.6.15 and 1 month are R8.7.15; R9.1.31 and 1 month are R9.2.28, because a
  month ends where its last day is.
- A quarter, half or year moves by a multiple of its own length, otherwise it would be another sort of period.
- What is undecided has nothing to move, nor has a period that an era cuts short: R1 begins in May.
"""

from datetime import date, timedelta

from rollout.domain.dates import FuzzyDate, FuzzyDateError, Precision, parse
from rollout.domain.reminders import Unit, shift

MONTHS_LONG = {
    Precision.DAY: 1,
    Precision.MONTH: 1,
    Precision.QUARTER: 3,
    Precision.HALF: 6,
    Precision.FISCAL_YEAR: 12,
    Precision.YEAR: 12,
}
"""By how many months at least a period of this precision moves."""


def move_by_months(cutover: FuzzyDate, months: int) -> FuzzyDate:
    """The same period `months` months later, earlier when negative, written as `format_short` does.

    Raises FuzzyDateError for what cannot be moved so, saying what to do instead.
    """
    earliest, precision = cutover.earliest, cutover.precision
    if earliest is None or precision is None:
        raise FuzzyDateError("切替の時期が決まっていないので、月数ではずらせません。")
    if months % (step := MONTHS_LONG[precision]):
        raise FuzzyDateError(
            "「{cutover}」は{step}か月単位でずらしてください。", cutover=cutover.format_short(), step=step
        )
    first = _shifted(earliest, months)
    last = None if cutover.latest is None else _last_day(first, precision)
    text = FuzzyDate("", first, last, precision, cutover.open_ended).format_short()
    if (moved := parse(text)) != FuzzyDate("", first, last, precision, cutover.open_ended):
        raise FuzzyDateError("改元で区切られた期間なので、月数ではずらせません。")
    return moved


def _shifted(day: date, months: int) -> date:
    try:
        return shift(day, months, Unit.MONTHS)
    except ValueError:
        raise FuzzyDateError("ずらした先の年が、日付として書ける範囲を超えます。") from None


def _last_day(earliest: date, precision: Precision) -> date:
    if precision is Precision.DAY:
        return earliest
    return shift(earliest, MONTHS_LONG[precision], Unit.MONTHS) - timedelta(days=1)
