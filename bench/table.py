"""The tables: one row a size of plan."""

import sys
from collections.abc import Iterable

from django.db import connection
from django.utils import timezone

from bench import api, edit, imports, ledger, mails, pages, recompute, risk
from bench.databases import database_version, throw_away_database
from bench.machine import describe_machine
from bench.plans import build_history, build_plan
from bench.service import WRK

SIZES = (25, 2_500, 100_000, 1_000_000)
WITH_HISTORY = 100_000
"""The largest plan that gets versions: three of each row take longer to write than all else together."""

VERSIONS = 3
MEBIBYTE = 1024**2
PARTS = ("fetch", "order, columns", "allocate", "project", "store")
HEADINGS = (
    "waves",
    "fetch, ms",
    "recompute, ms",
    "recompute ÷ fetch",
    *PARTS,
    "memory, MiB",
    "as_of ÷ recompute",
)
EDIT_PARTS = ("save", "recompute", "ledger", "answer")
EDIT_HEADINGS = ("waves", "edit shown after, ms", *EDIT_PARTS)

RISK_SIZES = ((10_000, 25), (1_000, 35_000))
RISK_HEADINGS = ("draws", "waves", "bare, ms", "answer, ms", "draw ÷ bare", "answer ÷ bare", "memory, MiB")

PLANNED_WAVES = (1_000, 10_000)
"""The ledger of the last one gets a past, and a tick."""

DELIVERY_HEADINGS = ("mails", "Django's own, a second", "delivered, a second", "delivered ÷ Django's own")
PLANNING_HEADINGS = ("waves", "rows", "planned rows a second", "looked at again, a second", "memory, MiB")
TICK_HEADINGS = ("rows", "tick, ms", "middle, ms", "statements", "of them read every row")

PAGE_SIZES = (25, 2_500)
PAGE_HEADINGS = (
    *("waves", "kept, ms", "made anew, ms", "with its charts, ms", "kept ÷ bare", "its 304 ÷ kept"),
    *("page, kB", "with all it links to, kB"),
)
IMPORTED_WAVES = 20_000
API_SIZES = (2_500, 100_000)
API_HEADINGS = (
    *("waves", "projection ÷ bare bytes", "its 304 ÷ its 200", "page ÷ raw page", "page ÷ numbered page"),
    *("far page ÷ first", "CSV ÷ bare CSV", "PATCH ÷ bare PATCH", "page, ms", "CSV, ms", "first piece, ms"),
)
IMPORT_HEADINGS = ("waves", "read, s", "checked, s", "applied, s", "checked ÷ read", "applied ÷ read")


def print_tables(sizes: list[int]) -> None:
    """Recomputes, then edits."""
    write(f"### {database_version()}", "", describe_machine(), "", *_head(HEADINGS))
    edits, seconds = [], {}
    for waves in sizes:
        with throw_away_database():
            found = _measure(waves)
            write(_row(_cells(waves, found)))
            seconds[waves] = found.recompute_seconds
            if waves <= WITH_HISTORY:
                edits.append((waves, edit.measure(_turns(waves))))
    write("", "Ratios: best by best (lowest and highest turn). Parts are shares of the recompute.")
    if {WITH_HISTORY, 10 * WITH_HISTORY} <= seconds.keys():
        write(f"1,000,000 ÷ 100,000 waves: {seconds[10 * WITH_HISTORY] / seconds[WITH_HISTORY]:.1f}×.")
    write("", *_head(EDIT_HEADINGS))
    for waves, cost in edits:
        parts = (f"{cost.parts[name]:.0%}" for name in EDIT_PARTS)
        write(_row([f"{waves:,}", f"{cost.seconds * 1000:,.1f}", *parts]))
    write("", "From saving one wave to the API showing it, all in one process; parts are timed alone.", "")


def _measure(waves: int) -> recompute.Recompute:
    build_plan(waves)
    moment = build_history(VERSIONS, timezone.now()) if waves <= WITH_HISTORY else None
    if connection.vendor == "postgresql":  # as autovacuum would have done by itself in a minute
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    return recompute.measure(_turns(waves), moment)


def _turns(waves: int) -> int:
    """Small plans are measured more often."""
    return 30 if waves <= 10_000 else 8 if waves <= WITH_HISTORY else 3


def print_risk_table() -> None:
    """Monte Carlo: one row a number of draws and waves."""
    write("", "### Monte Carlo", "", describe_machine(), "", *_head(RISK_HEADINGS))
    for draws, waves in RISK_SIZES:
        found = risk.measure(draws, waves, turns=200 if waves < 1_000 else 12)
        milliseconds = (f"{seconds * 1000:,.1f}" for seconds in (found.bare_seconds, found.answer_seconds))
        growth = f"{found.growth_bytes / MEBIBYTE:.0f}"
        cells = [f"{draws:,}", f"{waves:,}", *milliseconds, str(found.draw), str(found.answer), growth]
        write(_row(cells))
    write("", "Bare: a Generator's slips and one bincount. Answer: draws, percentiles and chances.", "")


def print_page_table() -> None:
    """The front page: one row a size of plan."""
    write(
        "", f"### The front page on {database_version()}", "", describe_machine(), "", *_head(PAGE_HEADINGS)
    )
    for waves in PAGE_SIZES:
        with throw_away_database():
            found = pages.measure(waves, turns=50)
        seconds = (found.kept_seconds, found.made_seconds, found.drawn_seconds)
        sizes = (f"{size / 1000:,.0f}" for size in (found.size, found.whole_size))
        milliseconds = (f"{each * 1000:,.0f}" for each in seconds)
        write(_row([f"{waves:,}", *milliseconds, str(found.kept), str(found.not_modified), *sizes]))
    write("", "Bare: `/healthz` through the same middleware. Sizes are compressed.", "")


def print_reminder_tables() -> None:
    """Delivery, planning and a tick with nothing to do."""
    write("", f"### Reminders on {database_version()}", "", describe_machine(), "", *_head(DELIVERY_HEADINGS))
    with throw_away_database():
        sent = mails.measure(turns=10)
    speeds = (f"{speed:,.0f}" for speed in (sent.plain_a_second, sent.delivered_a_second))
    write(_row([f"{mails.MAILS:,}", *speeds, str(sent.speed)]), "", *_head(PLANNING_HEADINGS))
    for waves in PLANNED_WAVES:
        with throw_away_database():
            write(_row(_planning_cells(waves, ledger.measure_planning(waves, turns=2))))
            if waves == PLANNED_WAVES[-1]:
                tick = ledger.measure_tick(turns=50)
    cells = (f"{1000 * seconds:.1f}" for seconds in (tick.best_seconds, tick.median_seconds))
    write("", *_head(TICK_HEADINGS))
    write(_row([f"{tick.rows:,}", *cells, str(tick.statements), str(len(tick.scans))]), *tick.scans, "")


def print_import_table() -> None:
    """The largest workbook that is taken in, every wave of it changed."""
    write("", f"### An import on {database_version()}", "", describe_machine(), "", *_head(IMPORT_HEADINGS))
    with throw_away_database():
        found = imports.measure(IMPORTED_WAVES, turns=2)
    seconds = (found.read_seconds, found.check_seconds, found.apply_seconds)
    cells = (f"{each:.1f}" for each in seconds)
    write(_row([f"{IMPORTED_WAVES:,}", *cells, str(found.check), str(found.apply)]), "")


def print_api_table() -> None:
    """Answers of the API against bare ones."""
    if WRK is None:
        write("", "The API was not measured: wrk is not installed.", "")
        return
    write("", f"### The API on {database_version()}", "", describe_machine(), "", *_head(API_HEADINGS))
    for waves in API_SIZES:
        with throw_away_database():
            found = api.measure(waves, turns=5)
        write(_row(_api_cells(found)))
    write("")


def _api_cells(found: api.Answers) -> list[str]:
    ratios = (
        *(found.projection, found.not_modified, found.page, found.numbered_page, found.far_page, found.csv),
        found.patch,
    )
    seconds = (found.page_seconds, found.csv_seconds, found.first_piece_seconds)
    return [f"{found.waves:,}", *map(str, ratios), *(f"{each * 1000:,.0f}" for each in seconds)]


def _planning_cells(waves: int, found: ledger.Planning) -> list[str]:
    speeds = (f"{found.rows / seconds:,.0f}" for seconds in (found.seconds, found.again_seconds))
    return [f"{waves:,}", f"{found.rows:,}", *speeds, f"{found.growth_bytes / MEBIBYTE:.0f}"]


def write(*lines: str) -> None:
    """Lines of the report, as soon as they are known."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _cells(waves: int, found: recompute.Recompute) -> list[str]:
    return [
        f"{waves:,}",
        f"{found.fetch_seconds * 1000:,.1f}",
        f"{found.recompute_seconds * 1000:,.1f}",
        str(found.ratio),
        *(f"{found.parts[name]:.0%}" for name in PARTS),
        f"{found.growth_bytes / MEBIBYTE:.0f}",
        str(found.past_ratio or "—"),
    ]


def _head(headings: Iterable[str]) -> list[str]:
    return [_row(headings), _row("---:" for _ in headings)]


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
