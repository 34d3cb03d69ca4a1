"""How long invoices take to be shared out to teams, and that it grows as the lines do.

Run: ``python benchmarks/allocation.py [lines …]``. For so many invoice lines (100,000, 300,000 and
a million) of a month of three vendors, an invoice for every 100,000, it makes up what the models
read (4,000 teams that use 60 articles a vendor, 22,000 seats), builds the models from the invoice
line to ``cost_allocation_as_now_monthly`` with dbt, then says the same in one query written by
hand that need not be exact: the floor. Every cent must be there. Prints seconds and processor
seconds of both, their ratio, and the microseconds of processor a line.
"""

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from orchestration.settings import ROOT

SIZES = (100_000, 300_000, 1_000_000)
TEAMS, SEATS, VENDORS, MODELS = 4_000, 22_000, 3, 12
LINES_AN_INVOICE = 100_000
CLASSES = "['uncached-input', 'cache-read', 'cache-write-5m', 'cache-write-1h', 'output']"
MEASURED = (
    "int_invoice_texts int_invoice_line_kinds int_invoice_lines int_invoice_line_months"
    " int_allocation_weights int_cost_pools int_costs_allocated int_cost_centers_by_line"
    " cost_allocation_as_now_monthly"
)
# What the measured models read, made up. Prices are of no use: teams have their costs.
GIVEN = f"""
create schema work_entities; create schema work_intermediate;
create table work_entities.core_teams as
    select 'team ' || n as team_id, cast(null as text) as parent_team_id,
        'team ' || n // 100 as department_id, 'Team ' || n as team_name,
        'Team ' || n // 100 as department_name, 'center ' || n // 10 as cost_center
    from range({TEAMS}) as _(n);
create table work_intermediate.int_team_reporting_groups as
    select 'month' as period_type, date '2025-09-01' as period_start, team_id,
        team_id as reporting_team_id, department_id as reporting_department_id
    from work_entities.core_teams;
create table work_entities.core_seats as
    select 'vendor 0' as vendor, 'business' as plan, cast(null as text) as person_id,
        'team ' || n % {TEAMS} as team_id, 'USD' as currency,
        cast(19 as decimal(28, 9)) as monthly_price_amount, date '2025-09-01' as assigned_on,
        cast(null as date) as unassigned_on from range({SEATS}) as _(n);
create table work_intermediate.int_seat_team_days as
    select row_number() over () as seat_number, team_id, vendor, plan, person_id, currency,
        monthly_price_amount, cast(30 as decimal(28, 12)) as shared_day_count,
        30 as primary_day_count, 30 as month_day_count, 30 as reached_day_count,
        date '2025-09-01' as month_start from work_entities.core_seats;
create table work_intermediate.int_fx_rates as
    select currency, 'feed' as rate_source, cast(rate as decimal(28, 9)) as usd_per_unit,
        date '2025-09-01' as rate_date, date '2025-01-01' as valid_from,
        date '9999-12-31' as valid_to
    from (values ('USD', 1), ('EUR', 1.104521)) as _(currency, rate);
create table work_intermediate.int_accruals (
    vendor text, amount_usd_cents decimal(38, 0), month_start date);
create table skus as
    select 'vendor ' || v as vendor, 'model-' || m || '/' || class as sku,
        row_number() over (partition by v order by m, class) - 1 as number
    from range({VENDORS}) as _(v), range({MODELS}) as _(m), unnest({CLASSES}) as _(class);
create table work_intermediate.int_ai_usage_split_by_team as
    select team_id, vendor, split_part(sku, '/', 1) as model,
        replace(split_part(sku, '/', 2), '-', '_') as token_class,
        'token' as unit_name, 'standard' as service_tier, 'priced' as price_status,
        'made up' as price_source, cast(1 as decimal(38, 12)) as quantity,
        cast(1 as decimal(38, 12)) as list_cost_usd,
        cast(1 + hash(team_id, sku) % 1000000 * 0.000001 as decimal(38, 12)) as metered_cost_usd,
        false as is_batch, date '2025-09-10' as usage_date
    from skus cross join work_entities.core_teams;
"""
INVOICES = f"""
create table work_entities.core_invoices as
    select 'vendor ' || v as vendor, 'invoice ' || n // {LINES_AN_INVOICE} as invoice_id,
        'line ' || n as invoice_line_id, category as charge_category,
        cast(null as text) as description,
        case category when 'usage' then sku when 'purchase' then 'business' end as sku,
        cast(null as text) as restates_period, if(v = 1, 'EUR', 'USD') as currency,
        cast((hash(n) % 1000000) * 0.001 as decimal(28, 9)) as amount,
        cast(1 as decimal(28, 9)) as quantity, cast(null as decimal(28, 9)) as unit_price,
        date '2025-10-03' as invoice_date, date '2025-09-01' as period_start,
        date '2025-10-01' as period_end
    from (
        select n, n // {LINES_AN_INVOICE} % {VENDORS} as v,
            case when n % 100 = 0 then 'tax' when n % 10 = 9 then 'purchase' else 'usage' end
                as category
        from range($lines) as _(n)
    ) inner join skus on skus.vendor = 'vendor ' || v and number = n % {MODELS * 5};
"""
FLOOR = """
create table by_hand as
with driven as (
    select vendor, sku as driver, team_id, sum(metered_cost_usd) as weight
    from skus
    inner join work_intermediate.int_ai_usage_split_by_team using (vendor)
    where model = split_part(sku, '/', 1)
        and token_class = replace(split_part(sku, '/', 2), '-', '_')
    group by all
    union all
    select vendor, '' as driver, team_id, sum(metered_cost_usd) as weight
    from work_intermediate.int_ai_usage_split_by_team group by all
    union all
    select vendor, plan as driver, team_id, sum(shared_day_count) as weight
    from work_intermediate.int_seat_team_days group by all
),
shares as (
    select *, weight / sum(weight) over (partition by vendor, driver) as share from driven
),
pools as (
    select vendor, invoice_id, charge_category, coalesce(sku, '') as driver,
        sum(amount * usd_per_unit) as amount_usd
    from work_entities.core_invoices
    inner join work_intermediate.int_fx_rates using (currency) group by all
)
select vendor, invoice_id, charge_category, team_id, sum(round(amount_usd * share, 2)) as cost_usd
from pools inner join shares using (vendor, driver) group by all
"""
TOTALS = """
select
    (select sum(allocated_cost_usd) from work_cost.cost_allocation_as_now_monthly),
    (select sum(cost_usd) from (
        select round(sum(round(amount * usd_per_unit, 12)), 2) as cost_usd
        from work_entities.core_invoices
        inner join work_intermediate.int_fx_rates using (currency)
        group by vendor, invoice_id))
"""


def main(sizes: list[int]) -> None:
    """Prints a row for each size."""
    sys.stdout.write(
        f"{'lines':>10}{'models s':>10}{'cpu s':>8}{'floor s':>9}{'cpu s':>8}{'ratio':>7}"
        f"{'us a line':>11}{'peak MB':>9}\n"
    )
    for lines in sizes:
        with tempfile.TemporaryDirectory() as folder:
            _measure(Path(folder), lines)


def _measure(home: Path, lines: int) -> None:
    database = str(home / "work.duckdb")
    with duckdb.connect(database) as work:
        work.execute(GIVEN)
        work.execute(INVOICES, {"lines": lines})
    models = _built(home)
    with duckdb.connect(database) as work:
        floor = _clocked(lambda: work.execute(FLOOR))
        ((shared, invoiced),) = work.sql(TOTALS).fetchall()
    assert shared == invoiced, f"{shared} of {invoiced} USD are shared out"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(
        f"{lines:>10,}{models[0]:>10.1f}{models[1]:>8.1f}{floor[0]:>9.1f}{floor[1]:>8.1f}"
        f"{models[1] / floor[1]:>7.1f}{models[1] / lines * 1e6:>11.1f}{peak:>9.0f}\n"
    )
    sys.stdout.flush()


def _built(home: Path) -> tuple[float, float]:
    """Seconds and processor seconds of the models, without dbt's parsing."""
    os.environ |= {
        "VALUEMAXX_HOME": str(home),
        "VALUEMAXX_AS_OF": "2025-10-10 00:00:00",
        "VALUEMAXX_SYSTEMS": "files git",
        "DBT_TARGET_PATH": str(home / "dbt"),
    }
    places = ["--project-dir", str(ROOT), "--profiles-dir", str(ROOT), "--quiet"]
    assert dbtRunner().invoke(["parse", *places]).success
    assert dbtRunner().invoke(["seed", *places, "--select", "invoice_sku_rules"]).success
    models = ["run", *places, "--select", *MEASURED.split()]
    measured = _clocked(lambda: dbtRunner().invoke(models).success or sys.exit(1))
    DuckDBConnectionManager.close_all_connections()  # dbt keeps the file open
    return measured


def _clocked(work: Callable[[], object]) -> tuple[float, float]:
    started, before = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - before


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [*SIZES])
