"""The close ledger: what is refused, what is kept, and that half a closing is none."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration import closing, ledger
from orchestration.closing import CloseError, close, reopen
from orchestration.exporting import ExportError
from orchestration.lake import Lake, LakeError, run_lock
from orchestration.ledger import AMOUNTS

RECONCILIATION = ", ".join(f"{name} decimal(38, 12)" for name in AMOUNTS)
ALLOCATION = (
    "vendor text, period_start date, invoice_id text, charge_category text, cost_center text,"
    " team_id text, method text, team_name text, department_id text,"
    " allocated_cost_usd decimal(38, 12), is_accrual boolean"
)

Publish = Callable[..., Path]


@pytest.fixture
def publish(tmp_path: Path) -> Publish:
    """Publishes a company with 10.00 for August, 20.00 and an accrual of 5.00 for September."""

    def make(*statements: str, as_of: str = "2025-10-10", published_at: str = "2025-10-10") -> Path:
        folder = tmp_path / "published"
        folder.mkdir(exist_ok=True)
        file = folder / "valuemaxx.duckdb"
        file.unlink(missing_ok=True)
        with duckdb.connect(str(file)) as tables:
            tables.execute(f"""
                create schema cost; create schema ops;
                create table ops.published as
                    select timestamp '{published_at}' as published_at, timestamp '{as_of}' as as_of;
                create table cost.closed_months (closing_number bigint);
                create table cost.ai_cost_daily (vendor text, model text, unit_name text,
                    quantity decimal(38, 12), price_status text, usage_date date);
                create table cost.cost_allocation_as_now_monthly ({ALLOCATION});
                create table cost.cost_allocation_monthly ({ALLOCATION}, restates_period date);
                create table cost.cost_reconciliation_as_now_monthly (
                    vendor text, period_start date, status text);
                create table cost.cost_reconciliation_monthly (vendor text, period_start date,
                    restates_period date, invoice_count bigint, {RECONCILIATION}, status text,
                    is_fully_priced boolean);
                insert into cost.cost_allocation_as_now_monthly values
                    ('v', '2025-08-01', 'i', 'usage', 'c', 'a', 'direct', 'A', 'd', 10, false),
                    ('v', '2025-09-01', 'j', 'usage', 'c', 'a', 'direct', 'A', 'd', 20, false),
                    ('w', '2025-09-01', 'accrual', 'usage', 'c', 'a', 'direct', 'A', 'd', 5, true);
                insert into cost.cost_allocation_monthly
                    by name from cost.cost_allocation_as_now_monthly where not is_accrual;
                insert into cost.cost_reconciliation_as_now_monthly values
                    ('v', '2025-07-01', 'nothing_to_match'), ('v', '2025-08-01', 'matched'),
                    ('v', '2025-09-01', 'explained'), ('v', '2025-10-01', 'no_invoice_yet');
                insert into cost.cost_reconciliation_monthly
                    by name select *, 1 as invoice_count, 0.123456789012 as metered_cost_usd,
                        true as is_fully_priced
                    from cost.cost_reconciliation_as_now_monthly;
            """)
            for statement in statements:
                tables.execute(statement)
        return tmp_path

    return make


OPEN = (
    "update cost.cost_reconciliation_monthly set status = 'open', unexplained_usd = 12.5,"
    " tolerance_usd = 1 where period_start = '2025-08-01'"
)
UNPRICED = (
    "insert into cost.ai_cost_daily values ('v', 'new-model', 'token', 1500, 'unpriced',"
    " '2025-08-31'), ('v', 'new-model', 'token', 1, 'unpriced', '2025-09-01')"
)


def frozen(home: Path) -> list[tuple[Any, ...]]:
    """Number, month, invoice and amount of every row of the ledger's allocation."""
    lake = Lake(home)
    rows = [
        row
        for scope in lake.newest(ledger.ALLOCATION)
        for row in lake.current(ledger.ALLOCATION, scope).to_pylist()
    ]
    names = ("closing_number", "period_start", "invoice_id", "allocated_cost_usd")
    return sorted(tuple(row[name] for name in names) for row in rows)


def test_a_close_freezes_the_month_and_its_accruals(publish: Publish) -> None:
    home = publish()
    assert close(home, "2025-08").startswith("closed 2025-08: ")
    done = close(home, "2025-09")
    assert done == "closed 2025-09: 3 rows are frozen; `valuemaxx run` shows it"
    assert frozen(home) == [
        (1, date(2025, 8, 1), "i", Decimal(10)),
        (2, date(2025, 9, 1), "accrual", Decimal(5)),
        (2, date(2025, 9, 1), "j", Decimal(20)),
    ]


def test_amounts_are_kept_to_the_last_digit(publish: Publish) -> None:
    home = publish()
    close(home, "2025-08")
    (row,) = Lake(home).current(ledger.RECONCILIATION, "000001").to_pylist()
    assert row["metered_cost_usd"] == "0.123456789012"
    assert row["invoiced_cost_usd"] is None


def test_the_same_close_twice_says_so_and_changes_nothing(publish: Publish) -> None:
    home = publish()
    close(home, "2025-08")
    done = close(home, "2025-08")
    assert done == "2025-08 is closed already"
    assert len(frozen(home)) == 1


@pytest.mark.parametrize(
    ("month", "said"),
    [
        ("2025-13", "'2025-13' is not a month: write YYYY-MM"),
        ("2025-10", "2025-10 is not over: what is published looks from 2025-10-10"),
        ("2025-09", "2025-08 is open; close it first"),
        ("2025-07", "2025-07 has no figures: there is nothing to close"),
    ],
)
def test_a_month_that_cannot_be_closed(publish: Publish, month: str, said: str) -> None:
    home = publish()
    with pytest.raises(CloseError) as error:
        close(home, month)
    assert str(error.value) == said
    assert frozen(home) == []


def test_a_month_is_over_at_its_last_instant(publish: Publish) -> None:
    assert close(publish(as_of="2025-09-01"), "2025-08").startswith("closed 2025-08: ")
    with pytest.raises(CloseError, match="2025-09 is not over"):
        close(publish(as_of="2025-09-30 23:59:59"), "2025-09")


def test_what_is_open_or_unpriced_is_named_with_its_amount(publish: Publish) -> None:
    home = publish(OPEN, UNPRICED)
    with pytest.raises(CloseError) as error:
        close(home, "2025-08")
    assert str(error.value).splitlines() == [
        "v new-model: 1500 tokens without a price",
        "v 2025-08: 12.50 USD unexplained, tolerance 1.00 USD",
        "mend it, or --accept REASON to close with it",
    ]
    with pytest.raises(CloseError, match="needs a reason"):
        close(home, "2025-08", " ")
    assert close(home, "2025-08", "credit note is announced").startswith("closed 2025-08: ")
    (entry,) = Lake(home).current(ledger.ENTRIES, "000001").to_pylist()
    assert entry["reason"] == "credit note is announced"
    assert entry["accepted"].count("\n") == 1
    assert (entry["allocation_row_count"], entry["reconciliation_row_count"]) == (1, 1)


def test_a_month_without_an_invoice_or_an_amount_to_accrue_is_named(publish: Publish) -> None:
    """Seats that nobody has billed or reported yet, say: what the month owes is not known. An
    accrual tells it, and what restates a month before is not the month's own."""
    home = publish(
        """insert into cost.cost_reconciliation_monthly by name
            select vendor, date '2025-08-01' as period_start, 'no_invoice_yet' as status,
                cast(restates as date) as restates_period
            from (values ('seats', null), ('w', null), ('late', '2025-07-01'))
                as _(vendor, restates)
        """,
        """insert into cost.cost_allocation_as_now_monthly values
            ('w', '2025-08-01', 'accrual', 'usage', 'c', 'a', 'direct', 'A', 'd', 0, true)""",
    )
    with pytest.raises(CloseError) as error:
        close(home, "2025-08")
    assert str(error.value).splitlines() == [
        "seats 2025-08: no invoice yet, and no amount to accrue",
        "mend it, or --accept REASON to close with it",
    ]
    assert close(home, "2025-08", "billed once a year").startswith("closed 2025-08: ")


def test_a_month_with_nothing_but_what_restates_another_is_closed_in_its_turn(
    publish: Publish,
) -> None:
    """Else what was adjusted in it would move to another month."""
    home = publish()
    close(home, "2025-08")
    publish(
        "insert into cost.closed_months values (1)",
        "delete from cost.cost_allocation_as_now_monthly where period_start = '2025-09-01'",
        "delete from cost.cost_reconciliation_as_now_monthly where period_start > '2025-08-01'",
        "delete from cost.cost_reconciliation_monthly where period_start > '2025-08-01'",
        "delete from cost.cost_allocation_monthly where period_start = '2025-09-01'",
        """insert into cost.cost_allocation_monthly values ('v', '2025-09-01', 'i', 'credit', 'c',
            'a', 'shared', 'A', 'd', -4, false, '2025-08-01')""",
        """insert into cost.cost_allocation_monthly values ('v', '2025-10-01', 'k', 'usage', 'c',
            'a', 'direct', 'A', 'd', 7, false, null)""",
        as_of="2025-11-10",
    )
    with pytest.raises(CloseError, match="2025-09 is open; close it first"):
        close(home, "2025-10")
    assert close(home, "2025-09").startswith("closed 2025-09: ")
    assert frozen(home)[-1] == (2, date(2025, 9, 1), "i", Decimal(-4))


def test_only_the_newest_closed_month_is_reopened(publish: Publish) -> None:
    home = publish()
    close(home, "2025-08")
    close(home, "2025-09")
    with pytest.raises(CloseError, match="2025-09 was closed after it; reopen that first"):
        reopen(home, "2025-08")
    reopen(home, "2025-09")
    with pytest.raises(CloseError, match="2025-09 is not closed"):
        reopen(home, "2025-09")


def test_a_close_needs_a_publication_that_knows_the_ledger(publish: Publish) -> None:
    home = publish()
    close(home, "2025-08")
    publish(published_at="2025-10-11")
    with pytest.raises(CloseError, match="does not know that 2025-08 was closed"):
        close(home, "2025-09")
    publish("insert into cost.closed_months values (1)", published_at="2025-10-12")
    assert close(home, "2025-09").startswith("closed 2025-09: ")


def test_a_close_that_is_killed_leaves_the_month_open(
    publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before its entry, what it froze belongs to no entry, now or later."""
    home = publish()
    with monkeypatch.context() as patched:
        patched.setattr(closing, "_enter", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            close(home, "2025-08")
    assert [row[0] for row in frozen(home)] == [1]
    close(home, "2025-08")
    (scope,) = Lake(home).newest(ledger.ENTRIES)
    assert scope == "000002"
    assert [row[0] for row in frozen(home)] == [1, 2]


def test_nothing_is_closed_without_a_publication_or_during_a_run(
    publish: Publish, tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match="nothing is published"):
        close(tmp_path / "elsewhere", "2025-08")
    home = publish()
    with run_lock(home), pytest.raises(LakeError, match="another run"):
        close(home, "2025-08")


def test_an_entry_says_when_it_looked_from(publish: Publish) -> None:
    home = publish()
    close(home, "2025-08")
    (entry,) = Lake(home).current(ledger.ENTRIES, "000001").to_pylist()
    assert entry["as_of"] == entry["published_at"] == datetime(2025, 10, 10)  # noqa: DTZ001
