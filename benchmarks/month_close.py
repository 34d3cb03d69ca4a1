"""How long a month's close takes: a publication of made-up rows at reference scale.

Run: ``python benchmarks/month_close.py [rows]``. A million rows are three vendors' invoices of a
month, shared out to 4,000 teams by category and method.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from orchestration.closing import close
from orchestration.ledger import AMOUNTS

TEAMS = 4_000
BAR_SECONDS = 30


def publish(home: Path, rows: int) -> None:
    """The tables that a close reads."""
    (home / "published").mkdir()
    amounts = ", ".join(f"cast(1.5 as decimal(38, 12)) as {name}" for name in AMOUNTS)
    with duckdb.connect(str(home / "published" / "valuemaxx.duckdb")) as tables:
        tables.execute(f"""
            create schema cost; create schema ops;
            create table ops.published as
                select timestamp '2025-10-10' as published_at, timestamp '2025-10-10' as as_of;
            create table cost.closed_months (closing_number bigint);
            create table cost.ai_cost_daily as
                select 'v' as vendor, 'm' as model, 'token' as unit_name,
                    cast(1 as decimal(38, 12)) as quantity, 'priced' as price_status,
                    date '2025-09-01' as usage_date from range({rows});
            create table cost.cost_allocation_as_now_monthly as
                select 'vendor' || n % 3 as vendor, date '2025-09-01' as period_start,
                    'invoice ' || n // {TEAMS} as invoice_id, 'usage' as charge_category,
                    'center ' || n % 100 as cost_center, 'team ' || n % {TEAMS} as team_id,
                    'direct' as method, 'Team ' || n % {TEAMS} as team_name,
                    'department ' || n % 40 as department_id,
                    cast(n * 0.01 as decimal(38, 12)) as allocated_cost_usd, false as is_accrual
                from range({rows}) as _(n);
            create table cost.cost_allocation_monthly as
                select *, cast(null as date) as restates_period
                from cost.cost_allocation_as_now_monthly;
            create table cost.cost_reconciliation_monthly as
                select 'vendor' || n as vendor, date '2025-09-01' as period_start,
                    cast(null as date) as restates_period, 1 as invoice_count, {amounts},
                    'matched' as status, true as is_fully_priced from range(3) as _(n);
            create table cost.cost_reconciliation_as_now_monthly as
                from cost.cost_reconciliation_monthly;
        """)


def main(rows: int) -> None:
    """Prints seconds and peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        publish(home, rows)
        started = time.perf_counter()
        close(home, "2025-09")
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{rows:,} rows: {seconds:.1f} s, {peak:.0f} MB at most")
        assert seconds < BAR_SECONDS


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
