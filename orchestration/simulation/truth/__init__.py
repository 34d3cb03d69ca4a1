"""Every published metric, counted from a company's records by plain Python.

It is written from METRICS.md alone and shares nothing with the models, so that where the two
agree, both are right or both misread the same sentence. Rules that need one record after the
other are loops here; nothing is clever.
"""

import decimal
import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.simulation.records import Company
from orchestration.simulation.truth import dora
from orchestration.simulation.truth.adoption import Adoption
from orchestration.simulation.truth.allocation import Allocation
from orchestration.simulation.truth.benchmarks import benchmarked
from orchestration.simulation.truth.books import Accruals, as_now
from orchestration.simulation.truth.budgets import Budgets
from orchestration.simulation.truth.cost import Cost
from orchestration.simulation.truth.delivery import Delivery
from orchestration.simulation.truth.directory import Directory, Policy, Row
from orchestration.simulation.truth.divergence import cell_of, diverged, volumes_of_quarters
from orchestration.simulation.truth.experience import Experience
from orchestration.simulation.truth.findings import Findings
from orchestration.simulation.truth.focus import Focus
from orchestration.simulation.truth.invoices import Invoices, Rates
from orchestration.simulation.truth.lines import Lines
from orchestration.simulation.truth.metering import Metering
from orchestration.simulation.truth.periods import KINDS, Period, all_periods, last_day
from orchestration.simulation.truth.quality import Quality
from orchestration.simulation.truth.reconciliation import Reconciliation
from orchestration.simulation.truth.returns import Returns
from orchestration.simulation.truth.seats import IdleSeats, months_of_seats, seats_monthly
from orchestration.simulation.truth.survival import code_survival
from orchestration.simulation.truth.variants import Variants
from orchestration.simulation.truth.workmix import work_mix

Truth = dict[str, list[Row]]

PERIOD_KEY = ("scope_type", "scope_id", "period_start")
ALLOCATION_KEY = (
    "vendor", "invoice_id", "period_start", "charge_category", "team_id", "method",
)  # fmt: skip
KEYS = {
    "core.dim_ai_models": ("vendor", "model"),
    "core.dim_services": ("service_id",),
    "core.dim_teams": ("team_id",),
    "cost.ai_cost_daily": (
        "team_id", "vendor", "model", "token_class", "unit_name", "service_tier", "is_batch",
        "usage_date",
    ),
    "cost.accruals_monthly": ("vendor", "period_start"),
    "cost.budget_vs_actual_monthly": ("cost_center", "vendor", "period_start"),
    "cost.closed_months": ("period_start",),
    "cost.focus_cost_and_usage": ("x_ChargeId",),
    "cost.invoice_findings": ("finding_id",),
    "cost.seats_monthly": ("vendor", "plan", "period_start", "team_id"),
    "cost.cost_allocation_as_now_monthly": ALLOCATION_KEY,
    "cost.cost_allocation_monthly": ALLOCATION_KEY,
    "cost.cost_reconciliation_as_now_monthly": ("vendor", "period_start"),
    "cost.cost_reconciliation_monthly": ("vendor", "period_start"),
    "cost.unit_economics_monthly": PERIOD_KEY,
    "cost.unit_economics_quarterly": PERIOD_KEY,
    **{f"dora.dora_{kind}": PERIOD_KEY for kind in KINDS},
    "dora.dora_benchmarks_quarterly": (*PERIOD_KEY, "edition", "metric"),
    "dora.lead_time_variants": ("pull_request_id", "variant"),
    "dora.lead_time_variants_quarterly": (*PERIOD_KEY, "variant"),
    "dora.fct_changes": ("pull_request_id",),
    "dora.fct_deployments": ("deployment_id",),
    "dora.fct_incidents": ("incident_id",),
    **{f"quality.quality_{kind}": PERIOD_KEY for kind in KINDS},
    "quality.code_survival_monthly": (*PERIOD_KEY, "ai_assistance", "age_days"),
    "quality.experience_quarterly": (*PERIOD_KEY, "question_id"),
    "quality.work_mix_quarterly": (*PERIOD_KEY, "work_type"),
    "value.divergence_quarterly": PERIOD_KEY,
    "value.return_on_ai_quarterly": PERIOD_KEY,
}  # fmt: skip
DEFAULTS = Policy()


def count(company: Company, *, policy: Policy = DEFAULTS) -> Truth:
    """Each table's rows by ``<schema>.<table>``, with the published columns, ordered by key."""
    with decimal.localcontext(prec=60):
        tables = _counted(company, policy)
    return {name: sorted(rows, key=lambda row: key_of(name, row)) for name, rows in tables.items()}


def key_of(table: str, row: Row) -> tuple[str, ...]:
    """What tells the row from the table's others, as text."""
    return tuple(str(row[column]) for column in KEYS[table])


def write(company: Company, folder: Path, *, policy: Policy = DEFAULTS) -> None:
    """``truth.json`` (what the company is and what was planted) and ``truth/``, a Parquet file a
    table that has rows."""
    tables = folder / "truth"
    tables.mkdir(parents=True, exist_ok=True)
    truth = count(company, policy=policy)
    for name, rows in truth.items():
        if rows:  # without one there are no columns, and no tool reads such a file
            pq.write_table(_arrow(rows), tables / f"{name}.parquet", compression="zstd")
    planted = asdict(company.planted)
    for name in ("factors", "ai_factors"):
        planted[name] = [
            {"team_id": team_id, "month": month, **outcomes}
            for (team_id, month), outcomes in sorted(planted[name].items())
        ]
    document = {
        "world": company.world,
        "seed": company.seed,
        "starts_on": company.starts_on,
        "as_of": company.as_of,
        "row_counts": {name: len(rows) for name, rows in truth.items()},
        "planted": planted,
    }
    text = json.dumps(document, default=str, indent=1, ensure_ascii=False)
    (folder / "truth.json").write_text(text + "\n", encoding="utf-8")


def _counted(company: Company, policy: Policy) -> Truth:
    directory = Directory(company, policy)
    delivery = Delivery(company, directory, policy)
    quality = Quality(company, directory, delivery, policy)
    cost = Cost(company, directory, delivery, policy, quality.fixed)
    fiscal_start = policy.fiscal_year_start_month
    first = min(_days_of_facts(company), default=last_day(company.as_of))
    periods = {
        kind: all_periods(kind, first, last_day(company.as_of), fiscal_start) for kind in KINDS
    }
    lines = Lines(directory, policy, [month.start for month in periods["monthly"]])
    truth: Truth = {
        "core.dim_ai_models": cost.dim_ai_models(),
        "core.dim_services": directory.dim_services(),
        "core.dim_teams": directory.dim_teams(),
        "cost.ai_cost_daily": cost.ai_cost_daily(lines),
        "dora.fct_changes": delivery.fct_changes(),
        "dora.fct_deployments": delivery.fct_deployments(),
        "dora.fct_incidents": delivery.fct_incidents(),
    }
    for kind in ("monthly", "quarterly"):
        rows = cost.unit_economics(kind, periods[kind], lines)
        truth[f"cost.unit_economics_{kind}"] = rows
    for kind in KINDS:
        truth[f"dora.dora_{kind}"] = dora.period_table(
            kind, periods[kind], delivery, directory, policy
        )
        truth[f"quality.quality_{kind}"] = quality.period_table(kind, periods[kind])
    invoiced, idle_seats, accruals = _invoiced(company, directory, cost, lines, policy, periods)
    truth |= invoiced
    for kind in ("monthly", "quarterly"):
        for row in truth[f"cost.unit_economics_{kind}"]:
            scope_type, scope_id, start = cell_of(row)
            idle = idle_seats.cost(kind, scope_type, scope_id, start)
            row["idle_seat_cost_usd"] = idle if row["is_reported"] else None
    truth["quality.code_survival_monthly"] = code_survival(
        directory, truth["cost.unit_economics_monthly"]
    )
    variants = Variants(company, directory, delivery)
    truth["dora.lead_time_variants"] = variants.rows()
    truth["dora.lead_time_variants_quarterly"] = variants.quarterly(
        periods["quarterly"], fiscal_start
    )
    truth["dora.dora_benchmarks_quarterly"] = benchmarked(
        truth["dora.dora_quarterly"], policy.benchmark_industry
    )
    truth |= _compared(company, directory, delivery, quality, lines, policy, periods, truth)
    returns = Returns(truth, accruals.in_usd(), policy)
    return truth | {"value.return_on_ai_quarterly": returns.rows()}


def _invoiced(
    company: Company,
    directory: Directory,
    cost: Cost,
    lines: Lines,
    policy: Policy,
    periods: dict[str, list[Period]],
) -> tuple[Truth, IdleSeats, Accruals]:
    """What invoices, reports and usage say of each vendor's month; what idle seats cost each
    scope; and what is accrued."""
    rates = Rates(company)
    invoices, metering = Invoices(company, rates), Metering(company, directory)
    reconciliation = Reconciliation(company, invoices, metering, policy)
    months = [month.start for month in periods["monthly"]]
    allocation = Allocation(invoices, metering, cost, directory, lines, months)
    allocated = allocation.rows()
    seats = months_of_seats(company, directory, metering, allocation, rates, policy)
    reconciled = reconciliation.rows()
    accruals = Accruals(company, cost, allocation, allocated, reconciliation)
    budgets = Budgets(company, rates, allocation, allocated, accruals)
    tables: Truth = {
        # No month of a simulated company is closed: its books are what is known now.
        "cost.accruals_monthly": accruals.rows(reconciled),
        "cost.closed_months": [],
        "cost.cost_allocation_as_now_monthly": [*as_now(allocated), *accruals.as_now()],
        "cost.cost_reconciliation_as_now_monthly": as_now(reconciled),
        "cost.focus_cost_and_usage": Focus(company, invoices).rows(),
        "cost.budget_vs_actual_monthly": budgets.rows(),
        "cost.seats_monthly": seats_monthly(seats, directory, lines),
        "cost.cost_allocation_monthly": allocated,
        "cost.cost_reconciliation_monthly": reconciled,
        "cost.invoice_findings": Findings(invoices, metering, reconciliation).rows(),
    }
    return tables, IdleSeats(seats, lines, policy, months[0]), accruals


def _compared(
    company: Company,
    directory: Directory,
    delivery: Delivery,
    quality: Quality,
    lines: Lines,
    policy: Policy,
    periods: dict[str, list[Period]],
    truth: Truth,
) -> Truth:
    """What holds a quarter against the scope's baseline quarter."""
    quarters, first = periods["quarterly"], min(_days_of_facts(company), default=date.max)
    adoption = Adoption(company, directory, delivery, quality, lines, policy, periods)
    baselines = adoption.baseline_quarters(first)
    dora_quarterly, quality_quarterly = (
        truth["dora.dora_quarterly"],
        truth["quality.quality_quarterly"],
    )
    measured = {
        cell_of(row): row | of_dora
        for row, of_dora in zip(quality_quarterly, dora_quarterly, strict=True)
    }
    experience = Experience(company, directory, policy, baselines, measured)
    volumes = volumes_of_quarters(company, directory, delivery, policy)
    return {
        "quality.experience_quarterly": experience.rows(quarters),
        "quality.work_mix_quarterly": work_mix(
            company, directory, delivery, policy, baselines, quarters, quality_quarterly
        ),
        "value.divergence_quarterly": diverged(
            volumes, baselines, dora_quarterly, quality_quarterly, policy
        ),
    }


def _days_of_facts(company: Company) -> Iterator[date]:
    """The days of everything that a period counts."""
    moments = [
        *(record.created_at for record in company.pull_requests),
        *(record.merged_at for record in company.pull_requests if record.merged_at),
        *(record.started_at for record in company.deployments if record.started_at),
        *(record.finished_at for record in company.deployments),
        *(record.opened_at for record in company.incidents),
        *(record.created_at for record in company.issues),
        *(record.occurred_at for record in company.ai_usage),
    ]
    return (moment.date() for moment in moments if moment < company.as_of)


def _arrow(rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows)
