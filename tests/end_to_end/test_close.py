"""Close September, restate it in October: what was reported stays as it was reported."""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.conftest import Run

SEPTEMBER, OCTOBER = date(2025, 9, 1), date(2025, 10, 1)
BOOKS = "vendor, period_start, restates_period, invoice_id, team_id, is_accrual, allocated_cost_usd"


def feed(folder: Path, name: str, *rows: dict[str, object]) -> None:
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def usage(number: int, day: str, team: str, tokens: int) -> dict[str, object]:
    """Tokens at 15 USD a million."""
    return {
        "usage_id": number, "occurred_at": f"{day}T12:00:00Z", "vendor": "anthropic",
        "model": "claude-sonnet-4-5", "team_id": team, "output_tokens": tokens,
    }  # fmt: skip


def line(invoice: str, number: int, vendor: str, month: date, amount: str) -> dict[str, object]:
    end = date(month.year, month.month + 1, 1)
    return {
        "invoice_id": invoice, "invoice_line_id": f"{invoice}-{number}", "vendor": vendor,
        "invoice_date": end.replace(day=3), "period_start": month, "period_end": end,
        "charge_category": "usage", "amount": amount, "currency": "USD",
        "restates_period": "",
    }  # fmt: skip


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """Two teams; 30 USD of September are invoiced, a second vendor's 7 USD are not yet."""
    folder = tmp_path / "feeds"
    folder.mkdir()
    feed(
        folder, "teams",
        {"team_id": "a", "team_name": "A", "cost_center": "one"},
        {"team_id": "b", "team_name": "B", "cost_center": "two"},
    )  # fmt: skip
    people = [
        {"person": f"{team}{n}@example.com", "team_id": team, "valid_from": "2025-08-01"}
        for team in "ab"
        for n in range(5)
    ]
    feed(folder, "team_memberships", *people)
    feed(
        folder, "ai_usage",
        usage(1, "2025-09-10", "a", 1_000_000), usage(2, "2025-09-20", "b", 1_000_000),
        usage(3, "2025-10-05", "a", 1_000_000),
    )  # fmt: skip
    costs = [
        {"vendor": "other", "cost_date": day, "amount": amount, "currency": "USD"}
        for day, amount in (("2025-09-15", "7.00"), ("2025-10-15", "1.00"))
    ]
    feed(folder, "ai_costs", *costs)
    feed(folder, "invoices", line("s", 1, "anthropic", SEPTEMBER, "30.00"))
    (tmp_path / "valuemaxx.yml").write_text("company: Example\n")
    return tmp_path


def rows(company: Path, table: str, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
    file = company / ".valuemaxx" / "published" / "valuemaxx.duckdb"
    with duckdb.connect(str(file), read_only=True) as tables:
        return tables.sql(f"select {columns} from {table} where {where} order by all").fetchall()


def total(company: Path, month: date) -> Decimal:
    """What the books hold for a month, wherever it is posted."""
    ((found,),) = rows(
        company,
        "cost.cost_allocation_monthly",
        "sum(allocated_cost_usd)",
        f"coalesce(restates_period, period_start) = '{month}'",
    )
    return Decimal(found)


@pytest.mark.slow
def test_september_does_not_move_and_october_carries_the_difference(
    company: Path, valuemaxx: Run
) -> None:
    config = company / "valuemaxx.yml"

    def run(as_of: str) -> None:
        done = valuemaxx("run", "--config", config, "--as-of", as_of)
        assert done.returncode == 0, done.stderr

    run("2025-10-10")
    done = valuemaxx("close", "2025-10", "--config", config)
    assert (done.returncode, "2025-10 is not over" in done.stderr) == (1, True)
    done = valuemaxx("close", "2025-09", "--config", config)
    assert done.returncode == 0, done.stderr
    # October's invoice comes, September's of the other vendor, and one that restates September.
    feed(
        company / "feeds", "invoices-late",
        line("o", 1, "anthropic", OCTOBER, "15.00"), line("other-s", 1, "other", SEPTEMBER, "8.00"),
        line("o", 2, "anthropic", SEPTEMBER, "-4.00")
        | {"charge_category": "adjustment", "invoice_date": "2025-11-03"},
    )  # fmt: skip
    run("2025-11-10")
    closed = [
        ("anthropic", SEPTEMBER, None, "files:s", "a", False, Decimal(15)),
        ("anthropic", SEPTEMBER, None, "files:s", "b", False, Decimal(15)),
        ("other", SEPTEMBER, None, "accrual", "unattributed", True, Decimal(7)),
    ]
    books = rows(company, "cost.cost_allocation_monthly", BOOKS)
    assert [row for row in books if row[1] == SEPTEMBER] == closed
    assert [row for row in books if row[1] == OCTOBER] == [
        ("anthropic", OCTOBER, SEPTEMBER, "files:o", "a", False, Decimal(-2)),
        ("anthropic", OCTOBER, SEPTEMBER, "files:o", "b", False, Decimal(-2)),
        ("anthropic", OCTOBER, None, "files:o", "a", False, Decimal(15)),
        ("other", OCTOBER, SEPTEMBER, "accrual", "unattributed", True, Decimal(-7)),
        ("other", OCTOBER, SEPTEMBER, "files:other-s", "unattributed", False, Decimal(8)),
    ]
    assert total(company, SEPTEMBER) == 30 - 4 + 8
    accruals = rows(
        company, "cost.accruals_monthly",
        "vendor, period_start, accrued_cost_usd, accrual_error_usd, is_closed", "is_reversed",
    )  # fmt: skip
    assert accruals == [("other", SEPTEMBER, Decimal(7), Decimal(1), True)]
    matched = "vendor, period_start, restates_period, invoiced_cost_usd, close_status"
    where = "invoice_count > 0"
    assert rows(company, "cost.cost_reconciliation_monthly", matched, where) == [
        ("anthropic", SEPTEMBER, None, Decimal(30), "closed"),
        ("anthropic", OCTOBER, SEPTEMBER, Decimal(-4), "open"),
        ("anthropic", OCTOBER, None, Decimal(15), "open"),
        ("other", OCTOBER, SEPTEMBER, Decimal(8), "open"),
    ]

    done = valuemaxx("close", "2025-10", "--config", config, "--accept", "asked the vendor")
    assert done.returncode == 0, done.stderr
    run("2025-12-10")
    kept = rows(company, "cost.cost_allocation_monthly", BOOKS, f"period_start <= '{OCTOBER}'")
    october = [row for row in books if row[1] == OCTOBER]
    accrued = ("other", OCTOBER, None, "accrual", "unattributed", True, Decimal(1))
    assert kept == sorted(
        [*closed, *october, accrued], key=lambda row: (*row[:2], row[2] or date.max, *row[3:])
    )
    assert total(company, SEPTEMBER) == 34
    done = valuemaxx("reopen", "2025-09", "--config", config)
    assert (done.returncode, "2025-10 was closed after it" in done.stderr) == (1, True)
    done = valuemaxx("close", "2025-10", "--config", config)
    assert (done.returncode, "is closed already" in done.stderr) == (0, True)

    # Taken back, October is as known now again, with what restates September and no accrual.
    done = valuemaxx("reopen", "2025-10", "--config", config)
    assert done.returncode == 0, done.stderr
    run("2025-12-10")
    assert rows(company, "cost.closed_months", "period_start, close_status") == [
        (SEPTEMBER, "closed"), (OCTOBER, "reopened"),
    ]  # fmt: skip
    kept = rows(company, "cost.cost_allocation_monthly", BOOKS, f"period_start <= '{OCTOBER}'")
    assert kept == sorted(
        [*closed, *october], key=lambda row: (*row[:2], row[2] or date.max, *row[3:])
    )
    assert total(company, SEPTEMBER) == 34
