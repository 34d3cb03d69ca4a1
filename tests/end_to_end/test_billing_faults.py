"""What is wrong with an invoice is found with its amount, and nothing that is right is.

The other worlds, and this one at another size, are in test_worlds.py.
"""

import csv
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from orchestration.simulation import feeds, simulate
from orchestration.simulation.records import Company
from orchestration.simulation.worlds import WORLDS
from tests.conftest import Run

Finding = tuple[str, str, str, str | None, str | None, str, Decimal]

INVOICE_COLUMNS = (
    "invoice_id", "invoice_line_id", "vendor", "invoice_date", "period_start", "period_end",
    "charge_category", "amount", "currency", "sku", "quantity", "unit_price",
)  # fmt: skip
POSTGRES = pytest.mark.postgres
JULY = ("2026-07-01", "2026-08-01")


def planted(company: Company) -> list[Finding]:
    """The billing faults of a company, as findings."""
    return sorted(
        (
            (
                fault.vendor,
                fault.month.isoformat(),
                fault.kind,
                f"files:{fault.invoice_id}" if fault.invoice_id else None,
                fault.invoice_line_id,
                fault.currency,
                fault.amount,
            )
            for fault in company.planted.faults
        ),
        key=str,
    )


def findings(published: Path) -> list[Finding]:
    """What a publication says is wrong with the invoices."""
    with duckdb.connect(str(published), read_only=True) as tables:
        rows = tables.execute(
            "select vendor, strftime(period_start, '%Y-%m-%d'), finding, invoice_id,"
            " invoice_line_id, currency, amount from cost.invoice_findings"
        ).fetchall()
    return sorted(((*row[:-1], row[-1].quantize(Decimal("0.01"))) for row in rows), key=str)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "months"), [(1, 12), (7, 12), (7, 24)])
def test_every_planted_fault_is_found_to_the_cent_and_nothing_else(
    tmp_path: Path, valuemaxx: Run, seed: int, months: int
) -> None:
    company = simulate(WORLDS["billing_faults"], seed, teams=24, months=months)
    assert len(company.planted.faults) == 6
    feeds.write(company, tmp_path / "feeds", None)
    config = tmp_path / "valuemaxx.yml"
    config.write_text(yaml.safe_dump({"company": "Example"}))
    done = valuemaxx("run", "--config", config, "--as-of", company.as_of.isoformat())
    assert done.returncode == 0, done.stderr
    found = findings(tmp_path / ".valuemaxx" / "published" / "valuemaxx.duckdb")
    assert found == planted(company)


@pytest.mark.parametrize("warehouse", ["duckdb", pytest.param("postgres", marks=POSTGRES)])
def test_bad_invoices_have_their_own_line_and_never_a_wrong_number(
    example: Callable[..., Path],
    valuemaxx: Run,
    request: pytest.FixtureRequest,
    warehouse: str,
) -> None:
    server = {}
    if warehouse == "postgres":
        host = request.getfixturevalue("postgres_server")
        server = {"postgres": {"host": host, "user": "postgres", "database": "postgres"}}
    config = example(warehouse=warehouse, **server)
    write_bad_invoices(config.parent / "feeds")
    done = valuemaxx("run", "--config", config, "--as-of", "2026-09-01")
    assert done.returncode == 0, done.stderr
    published = config.parent / ".valuemaxx" / "published" / "valuemaxx.duckdb"

    found = {(invoice, line, kind): amount for _, _, kind, invoice, line, _, amount
             in findings(published)}  # fmt: skip
    assert found == {
        ("files:alien", "1", "unknown_currency"): Decimal(10),
        ("files:early", "1", "fx_missing"): Decimal(10),
        ("files:again", "1", "period_overlap"): Decimal(7),
        ("files:credit", None, "credit_exceeds_invoice"): Decimal(-3),
        ("files:plus", "1", "credit_sign"): Decimal(4),
        ("files:less", "1", "negative_seat"): Decimal(-19),
        ("files:mixed", None, "credit_exceeds_invoice"): Decimal(-4),
    }
    assert [row[5] for row in findings(published) if row[0] == "mixed"] == ["EUR", "USD"]
    with duckdb.connect(str(published), read_only=True) as tables:
        borne = tables.execute(
            "select vendor, strftime(period_start, '%Y-%m'), sum(allocated_cost_usd),"
            " count(*) - count(allocated_cost_usd) from cost.cost_allocation_monthly"
            " where invoice_id <> 'files:again' group by all order by all"
        ).fetchall()
        statuses = dict(
            tables.execute(
                "select vendor, status from cost.cost_reconciliation_monthly"
                " where period_start = '2026-07-01'"
            ).fetchall()
        )
        metered = tables.execute(
            "select strftime(period_start, '%Y-%m'), metered_cost_usd, variance_usd"
            " from cost.cost_reconciliation_monthly where vendor = 'edges' order by 1"
        ).fetchall()
        paired = tables.execute(
            "select invoice_count, invoiced_cost_usd from cost.cost_reconciliation_monthly"
            " where vendor = 'pair' and period_start = '2026-07-01'"
        ).fetchall()
        refused = tables.execute(
            "select rows_quarantined from ops.data_quality where stream = 'invoices'"
        ).fetchall()
    assert borne == [
        ("alien", "2026-07", None, 1),
        ("credit", "2026-07", Decimal(-3), 0),
        ("dates", "2026-07", Decimal("22.00"), 0),  # at the rate of the earlier date
        ("decimals", "2026-07", Decimal("0.25"), 0),  # 0.125 twice
        ("early", "2026-07", None, 1),
        ("edges", "2026-07", Decimal(8), 0),
        ("large", "2026-07", Decimal(10**12), 0),
        ("less", "2026-07", Decimal(-19), 0),
        # 100 for 92 days of three months: 31, 31 and 30.
        ("long", "2026-07", Decimal("33.70"), 0),
        ("long", "2026-08", Decimal("33.69"), 0),
        ("long", "2026-09", Decimal("32.61"), 0),
        ("mixed", "2026-07", Decimal("-8.40"), 0),
        ("pair", "2026-07", Decimal(7), 0),
        ("plus", "2026-07", Decimal(4), 0),
        ("twice", "2026-07", Decimal(5), 0),
    ]
    assert statuses["alien"] == statuses["early"] == "open"
    assert statuses["decimals"] == "no_metering"
    # 1 until 30 June, 2 from 1 July, 4 from 31 July: the last instants are still the old price's.
    assert metered == [
        ("2026-06", Decimal(1), None),
        ("2026-07", Decimal(2 + 2 + 4), Decimal(0)),
        ("2026-08", Decimal(4), None),
    ]
    assert statuses["edges"] == "no_vendor_report"
    assert paired == [(2, Decimal(7))]
    assert refused == [(2,)]


def write_bad_invoices(folder: Path) -> None:
    """One vendor for each thing that can be wrong, or looks so; two lines that do not come in."""

    def line(invoice: str, number: str, vendor: str, amount: object, **other: Any) -> Any:
        start, end = other.pop("period", JULY)
        values = {
            "invoice_id": invoice, "invoice_line_id": number, "vendor": vendor,
            "invoice_date": "2026-08-03", "period_start": start, "period_end": end,
            "charge_category": "usage", "amount": amount, "currency": "USD", **other,
        }  # fmt: skip
        return [values.get(column, "") for column in INVOICE_COLUMNS]

    rows = [
        line("alien", "1", "alien", 10, currency="XXX"),
        line("early", "1", "early", 10, currency="EUR"),
        line("first", "1", "twice", 5, sku="api"),
        line("again", "1", "twice", 7, sku="api", invoice_date="2026-08-04",
             period=("2026-07-31", "2026-08-02")),
        line("credit", "1", "credit", 2),
        line("credit", "2", "credit", -5, charge_category="credit"),
        line("plus", "1", "plus", 4, charge_category="credit"),
        line("less", "1", "less", -19, charge_category="purchase", quantity=-1, sku="seat"),
        line("decimals", "1", "decimals", "0.125"),
        line("decimals", "2", "decimals", "0.125"),
        line("large", "1", "large", 10**12),
        line("long", "1", "long", 100, period=("2026-07-01", "2026-10-01")),
        line("pair-1", "1", "pair", 3),
        line("pair-2", "1", "pair", 4, invoice_date="2026-08-04"),
        line("edges", "1", "edges", 4, sku="m/output", quantity=2, unit_price=2),
        line("edges", "2", "edges", 4, sku="m/output", quantity=1, unit_price=4),
        line("dates", "1", "dates", 10, currency="EUR", invoice_date="2026-08-04"),
        line("dates", "2", "dates", 10, currency="EUR", invoice_date="2026-08-05"),
        *(
            line("mixed", f"{currency}-{number}", "mixed", amount, currency=currency,
                 invoice_date="2026-08-04", charge_category=category)
            for currency in ("EUR", "USD")
            for number, category, amount in ((1, "usage", 1), (2, "credit", -5))
        ),
        line("nobody", "1", "", 1),
        line("huge", "1", "huge", 10**12 + 1),
    ]  # fmt: skip
    with (folder / "invoices.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([INVOICE_COLUMNS, *rows])
    (folder / "prices-edges.csv").write_text(
        "vendor,model,token_class,usd_per_million,valid_from,valid_to\n"
        "edges,m,output,1,2026-01-01,2026-07-01\n"
        "edges,m,output,2,2026-07-01,2026-07-31\n"
        "edges,m,output,4,2026-07-31,\n"
    )
    moments = (
        "2026-06-30T23:59:59.999999Z", "2026-07-01T00:00:00Z", "2026-07-30T23:59:59.999999Z",
        "2026-07-31T23:59:59.999999Z", "2026-08-01T00:00:00Z",
    )  # fmt: skip
    (folder / "ai_usage-edges.csv").write_text(
        "usage_id,occurred_at,vendor,model,output_tokens\n"
        + "".join(f"edge-{moment},{moment},edges,m,1000000\n" for moment in moments)
    )
    (folder / "fx_rates.csv").write_text(
        "rate_date,currency,usd_per_unit\n2026-07-01,EUR,0\n2026-08-04,EUR,1.1\n"
        "2026-08-05,EUR,1.2\n"
    )
