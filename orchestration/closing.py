"""The close of a month: what finance has reported stays as it was reported.

A closing's rows are landed first and its entry in the ledger last, so a month is closed once the
entry is there, and not before.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.exporting import published
from orchestration.lake import Lake, Stream, run_lock
from orchestration.ledger import ALLOCATION, AMOUNTS, ENTRIES, RECONCILIATION, STREAMS

MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
# What a closing freezes of a month. Accruals stand in the books once the month is closed.
FROZEN = {
    ALLOCATION: (
        "(from cost.cost_allocation_monthly union all by name"
        " from cost.cost_allocation_as_now_monthly where is_accrual)"
    ),
    RECONCILIATION: "cost.cost_reconciliation_monthly",
}


class CloseError(Exception):
    """Why a month is not closed or reopened: a line per reason, with the amounts."""


def close(home: Path, month: str, reason: str | None = None) -> str:
    """Freezes the month's published allocation and reconciliation; a line that says so, or that it
    is closed already. ``reason`` accepts what is unpriced or open. Raises CloseError."""
    start = _first_day(month)
    if reason is not None and not reason.strip():
        raise CloseError("--accept needs a reason: it is kept with the closing")
    with run_lock(home), published(home) as tables:
        lake = Lake(home)
        lake.ensure(STREAMS)
        entries = _entries(lake)
        if start in _closed(entries):
            return f"{month} is closed already"
        facts = _facts(tables)
        _refuse_stale(entries, facts, tables)
        _refuse_too_early(start, entries, facts, tables)
        problems = _problems(start, tables)
        if problems and reason is None:
            raise CloseError("\n".join([*problems, "mend it, or --accept REASON to close with it"]))
        number = _next_number(lake)
        counts = _freeze(lake, number, start, tables)
        accepted = _Accepted(reason, problems) if reason and problems else None
        _enter(lake, number, start, "closed", facts, counts, accepted)
        count = sum(counts.values())
        return f"closed {month}: {count} rows are frozen; `valuemaxx run` shows it"


def reopen(home: Path, month: str) -> str:
    """Takes the newest closing back: what it froze counts no more. Raises CloseError."""
    start = _first_day(month)
    with run_lock(home), published(home) as tables:
        lake = Lake(home)
        lake.ensure(STREAMS)
        entries = _entries(lake)
        closed = _closed(entries)
        if start not in closed:
            raise CloseError(f"{month} is not closed")
        if start != max(closed):
            raise CloseError(f"{month}: {max(closed):%Y-%m} was closed after it; reopen that first")
        _enter(lake, _next_number(lake), start, "reopened", _facts(tables), {})
        return f"reopened {month}; `valuemaxx run` shows it"


def _first_day(month: str) -> date:
    if not MONTH.fullmatch(month):
        raise CloseError(f"{month!r} is not a month: write YYYY-MM")
    return date.fromisoformat(f"{month}-01")


def _entries(lake: Lake) -> list[dict[str, Any]]:
    """The ledger's entries in order."""
    scopes = sorted({batch.scope for batch in lake.batches(ENTRIES)})
    rows = [row for scope in scopes for row in lake.current(ENTRIES, scope).to_pylist()]
    return sorted(rows, key=lambda row: int(row["closing_number"]))


def _next_number(lake: Lake) -> int:
    """One that nothing has: what a killed closing left behind stays nobody's."""
    scopes = (batch.scope for stream in STREAMS for batch in lake.batches(stream))
    return max(map(int, scopes), default=0) + 1


def _closed(entries: Sequence[dict[str, Any]]) -> set[date]:
    """The months whose last entry closes them."""
    last = {entry["period_start"]: entry["action"] for entry in entries}
    return {month for month, action in last.items() if action == "closed"}


@dataclass(frozen=True)
class _Facts:
    """What the publication looks from, and when it was made."""

    as_of: datetime
    published_at: datetime


@dataclass(frozen=True)
class _Accepted:
    """What finance closed a month with, and why."""

    reason: str
    problems: Sequence[str]


def _facts(tables: duckdb.DuckDBPyConnection) -> _Facts:
    return _Facts(*tables.sql("select as_of, published_at from ops.published").fetchall()[0])


def _refuse_stale(
    entries: Sequence[dict[str, Any]], facts: _Facts, tables: duckdb.DuckDBPyConnection
) -> None:
    """Every entry is in the publication, or closed a month out of this very one."""
    rows = tables.sql("select coalesce(max(closing_number), 0) from cost.closed_months").fetchall()
    for entry in entries:
        if entry["closing_number"] <= rows[0][0]:
            continue
        is_out_of_it = entry["published_at"] == facts.published_at
        if entry["action"] != "closed" or not is_out_of_it:
            raise CloseError(
                f"what is published does not know that {entry['period_start']:%Y-%m} was "
                f"{entry['action']}; `valuemaxx run` first"
            )


def _refuse_too_early(
    start: date,
    entries: Sequence[dict[str, Any]],
    facts: _Facts,
    tables: duckdb.DuckDBPyConnection,
) -> None:
    """The month is over, has figures, and none before it that has some is open."""
    newest = max(_closed(entries), default=date.min)
    if start < newest:
        raise CloseError(f"{start:%Y-%m} is closed with {newest:%Y-%m}, which came after it")
    end = date(start.year + start.month // 12, start.month % 12 + 1, 1)
    if facts.as_of < datetime.combine(end, datetime.min.time()):
        raise CloseError(
            f"{start:%Y-%m} is not over: what is published looks from {facts.as_of:%Y-%m-%d}"
        )
    # A month with nothing of its own may carry what restates another.
    months = tables.execute(
        "from (select period_start from cost.cost_reconciliation_monthly"
        " where status <> 'nothing_to_match' or restates_period is not null"
        " union select period_start from cost.cost_allocation_monthly"
        " union select period_start from cost.cost_allocation_as_now_monthly)"
        " where period_start > ? and period_start <= ? order by 1",
        [newest, start],
    ).fetchall()
    figures = [month for (month,) in months]
    if start not in figures:
        raise CloseError(f"{start:%Y-%m} has no figures: there is nothing to close")
    if figures[0] < start:
        raise CloseError(f"{figures[0]:%Y-%m} is open; close it first")


def _problems(start: date, tables: duckdb.DuckDBPyConnection) -> list[str]:
    """What finance would have to accept: a line each, with the amount."""
    unpriced = tables.execute(
        "select vendor, model, unit_name, sum(quantity) from cost.ai_cost_daily where"
        " price_status = 'unpriced' and date_trunc('month', usage_date) = ?"
        " group by all order by all",
        [start],
    ).fetchall()
    opened = tables.execute(
        "select vendor, restates_period, unexplained_usd, tolerance_usd from"
        " cost.cost_reconciliation_monthly where status = 'open' and period_start = ? order by all",
        [start],
    ).fetchall()
    not_accrued = tables.execute(
        "select vendor from cost.cost_reconciliation_monthly as reconciled"
        " where status = 'no_invoice_yet' and restates_period is null and period_start = ?"
        " and not exists (from cost.cost_allocation_as_now_monthly as accrued"
        " where is_accrual and accrued.vendor = reconciled.vendor"
        " and accrued.period_start = reconciled.period_start) order by all",
        [start],
    ).fetchall()
    lines = [
        f"{vendor} {model}: {quantity:f}".rstrip("0").rstrip(".") + f" {unit}s without a price"
        for vendor, model, unit, quantity in unpriced
    ]
    for vendor, restated, unexplained, tolerance in opened:
        what = f"{vendor} {restated or start:%Y-%m}"
        if unexplained is None:
            lines.append(f"{what}: an invoice line without an exchange rate")
        else:
            lines.append(
                f"{what}: {unexplained:.2f} USD unexplained, tolerance {tolerance:.2f} USD"
            )
    lines += [
        f"{vendor} {start:%Y-%m}: no invoice yet, and no amount to accrue"
        for (vendor,) in not_accrued
    ]
    return lines


def _freeze(
    lake: Lake, number: int, start: date, tables: duckdb.DuckDBPyConnection
) -> dict[Stream, int]:
    """Lands the month's rows under the entry's number. Returns how many."""
    counts = {}
    for stream, table in FROZEN.items():
        columns = ", ".join(
            f"cast({field.name} as varchar) as {field.name}"
            if field.name in AMOUNTS
            else field.name
            for field in stream.fields[2:]
        )
        rows = tables.sql(
            f"select cast({number} as bigint) as closing_number,"  # noqa: S608
            f" row_number() over () as row_number, *"
            f" from (select {columns} from {table} where period_start = ? order by all)",
            params=[start],
        ).to_arrow_table()
        with lake.writing(stream, f"{number:06}") as batch:
            batch.append(rows)
        counts[stream] = rows.num_rows
    return counts


def _enter(
    lake: Lake,
    number: int,
    start: date,
    action: str,
    facts: _Facts,
    counts: Mapping[Stream, int],
    accepted: _Accepted | None = None,
) -> None:
    """Lands the entry: from here on the month is closed, or open again. ``counts``: what it froze,
    so that a ledger that has lost rows is seen."""
    entry = {
        "closing_number": number, "period_start": start, "action": action,
        "as_of": facts.as_of, "published_at": facts.published_at,
        "reason": accepted and accepted.reason,
        "accepted": accepted and "\n".join(accepted.problems),
        "entered_at": datetime.now(UTC).replace(tzinfo=None),
        "allocation_row_count": counts.get(ALLOCATION, 0),
        "reconciliation_row_count": counts.get(RECONCILIATION, 0),
    }  # fmt: skip
    with lake.writing(ENTRIES, f"{number:06}") as batch:
        batch.append(pa.Table.from_pylist([entry], ENTRIES.schema))
