"""Invoices, their reconciliation and allocation in the truth, by hand from METRICS.md."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from orchestration.simulation.records import (
    Budget,
    Company,
    ContractPrice,
    FxRate,
    InvoiceLine,
    Issue,
    Membership,
    Seat,
    Team,
    Usage,
    VendorCost,
)
from orchestration.simulation.truth import Truth, count
from orchestration.simulation.truth.directory import Row
from orchestration.simulation.truth.findings import _tax
from orchestration.simulation.truth.invoices import Invoices, Rates, share_out

JANUARY, FEBRUARY = date(2025, 1, 1), date(2025, 2, 1)
PRICES = {"uncached_input": "4", "output": "10"}


def usd(text: str) -> Decimal:
    return Decimal(text)


def a_company(as_of: str = "2025-02-10T00:00:00") -> Company:
    """Two teams of six people, and a vendor's model at 4 and 10 USD per million tokens."""
    company = Company("by hand", 0, JANUARY, datetime.fromisoformat(as_of))
    company.teams = [Team("a", "Team A", None, "CC-1"), Team("b", "Team B")]
    for team_id in ("a", "b"):
        for number in range(6):
            company.team_memberships.append(
                Membership(f"{team_id}{number}@example.com", team_id, date(2024, 1, 1))
            )
    for token_class, price in PRICES.items():
        company.prices.append(ContractPrice("v", "m", token_class, JANUARY, usd(price)))
    return company


def use(company: Company, person: str, *, at: date = JANUARY, **tokens: Any) -> None:
    number = f"u{len(company.ai_usage)}"
    moment = datetime.combine(at, datetime.min.time())
    company.ai_usage.append(Usage(number, moment, "v", "m", f"{person}@example.com", **tokens))


def bill(company: Company, amount: str, category: str = "usage", **more: Any) -> InvoiceLine:
    number = f"l{len(company.invoices)}"
    line = InvoiceLine(
        "i1", number, "v", date(2025, 2, 3), JANUARY, FEBRUARY, category, usd(amount), "USD"
    )
    for name, value in more.items():
        setattr(line, name, value)
    company.invoices.append(line)
    return line


def bill_tokens(company: Company, amount: str, token_class: str, millions: str,
                unit_price: str | None = None, **more: Any) -> InvoiceLine:  # fmt: skip
    price = usd(unit_price or PRICES[token_class])
    sku = f"m/{token_class.replace('_', '-')}"
    return bill(company, amount, sku=sku, quantity=usd(millions), unit_price=price, **more)


def january(truth: Truth, table: str, **wanted: object) -> Row:
    wanted = {"vendor": "v", "period_start": JANUARY} | wanted
    (found,) = [row for row in truth[table] if all(row[k] == v for k, v in wanted.items())]
    return found


def findings(truth: Truth) -> list[tuple[object, object]]:
    return [(row["finding"], row["amount"]) for row in truth["cost.invoice_findings"]]


VARIANCES = (
    "quantity", "price", "classification", "timing", "credits", "commitment", "seats", "fx", "tax",
    "rounding",
)  # fmt: skip


def variances(row: Row) -> dict[str, Decimal]:
    """Those that are not 0; that they add up is checked on the way."""
    found = {name: Decimal(str(row[f"{name}_variance_usd"])) for name in VARIANCES}
    found["unexplained"] = Decimal(str(row["unexplained_usd"]))
    assert sum(found.values()) == row["variance_usd"]
    return {name: amount for name, amount in found.items() if amount}


# Whole units and dollars


def test_parts_add_up_whatever_the_numbers() -> None:
    assert share_out(100, {"a": 1, "b": 1, "c": 1}) == {"a": 34, "b": 33, "c": 33}
    assert share_out(-5, {"a": 0, "b": 0}) == {"a": -3, "b": -2}
    assert share_out(0, {"a": 3}) == {"a": 0}


def test_lines_add_up_to_the_invoice_and_months_to_the_line() -> None:
    company = a_company("2025-04-01T00:00:00")
    bill(company, "0.125", "purchase")
    bill(company, "0.125", "purchase")
    bill(
        company, "100", "purchase", invoice_id="i2",
        period_start=date(2025, 1, 15), period_end=date(2025, 3, 15),
    )  # fmt: skip
    lines = Invoices(company, Rates(company)).lines
    assert [line.cents for line in lines] == [13, 12, 10_000]
    assert list(lines[2].months.values()) == [2881, 4746, 2373]


def test_an_unknown_currency_has_no_amount_and_is_listed() -> None:
    company = a_company()
    company.fx_rates = [FxRate(date(2025, 3, 1), "EUR", usd("1.1"))]
    bill(company, "5", "purchase", currency="XYZ")
    truth = count(company)
    row = january(truth, "cost.cost_reconciliation_monthly")
    assert (row["invoiced_cost_usd"], row["variance_usd"], row["status"]) == (None, None, "open")
    assert findings(truth) == [("unknown_currency", 5)]
    (borne,) = truth["cost.cost_allocation_monthly"]
    assert (borne["team_id"], borne["allocated_cost_usd"]) == ("unattributed", None)


# Metered, reported, invoiced


def test_a_wrong_price_is_a_variance_of_price() -> None:
    company = a_company()
    use(company, "a0", uncached_input_tokens=2_000_000)
    bill_tokens(company, "10", "uncached_input", "2", "5")
    truth = count(company)
    row = january(truth, "cost.cost_reconciliation_monthly")
    assert variances(row) == {"price": 2}
    assert row["status"] == "no_vendor_report"
    assert findings(truth) == [("wrong_price", 2)]


def test_the_same_line_twice_is_a_variance_of_quantity() -> None:
    company = a_company()
    use(company, "a0", uncached_input_tokens=1_500_000)
    bill_tokens(company, "6", "uncached_input", "1.5")
    bill_tokens(company, "6", "uncached_input", "1.5")
    truth = count(company)
    assert variances(january(truth, "cost.cost_reconciliation_monthly")) == {"quantity": 6}
    (found,) = truth["cost.invoice_findings"]
    assert (found["finding"], found["invoice_line_id"]) == ("line_twice", "l1")


def test_tokens_in_another_class_are_a_variance_of_classification() -> None:
    company = a_company()
    use(company, "a0", uncached_input_tokens=1_000_000, output_tokens=1_000_000)
    bill_tokens(company, "8", "uncached_input", "2")
    row = january(count(company), "cost.cost_reconciliation_monthly")
    assert variances(row) == {"classification": -6}


def test_usage_without_an_article_is_held_against_what_has_no_line() -> None:
    company = a_company()
    use(company, "a0", uncached_input_tokens=1_000_000)
    bill(company, "5.25", description="Usage in January")
    row = january(count(company), "cost.cost_reconciliation_monthly")
    assert variances(row) == {"unexplained": usd("1.25")}
    assert row["status"] == "open"


def test_tax_credits_corrections_and_commitments_have_columns_of_their_own() -> None:
    company = a_company()
    company.ai_costs = [VendorCost("v", date(2025, 1, 5), usd("4"), "USD")]
    use(company, "a0", uncached_input_tokens=1_000_000)
    bill_tokens(company, "4.01", "uncached_input", "1")
    bill(company, "-1", "credit")
    bill(company, "2", "adjustment", sku="minimum-commitment")
    bill(company, "0.80", "tax")
    bill(company, "-0.50", "adjustment", restates_period="2024-12")
    bill(company, "0.30", "adjustment")
    row = january(count(company), "cost.cost_reconciliation_monthly")
    assert variances(row) == {
        "rounding": usd("0.01"), "credits": -1, "commitment": 2, "tax": usd("0.80"),
        "timing": usd("-0.50"), "unexplained": usd("0.30"),
    }  # fmt: skip
    assert row["status"] == "explained"


def test_an_invoice_at_another_rate_is_a_difference_of_rates_with_its_tax() -> None:
    company = a_company()
    company.fx_rates = [FxRate(JANUARY, "EUR", usd("1.2"))]
    use(company, "a0", uncached_input_tokens=750_000)
    unit_price = str((usd("4") / usd("1.1628")).quantize(usd("0.000001")))
    bill_tokens(company, "2.58", "uncached_input", "0.75", unit_price, currency="EUR")
    bill(company, "0.52", "tax", currency="EUR")
    truth = count(company)
    assert findings(truth) == [("fx_difference", usd("0.10"))]
    row = january(truth, "cost.cost_reconciliation_monthly")
    assert variances(row) == {"fx": usd("0.096"), "tax": usd("0.62"), "rounding": usd("0.004")}


def test_the_tax_rate_is_that_of_the_fewest_decimals() -> None:
    company = a_company()
    bill(company, "100", "purchase")
    bill(company, "7.25", "tax")
    assert _tax(Invoices(company, Rates(company)).lines) == (usd("0.0725"), usd("100"))


def test_a_month_without_its_invoice_is_what_it_would_have_been() -> None:
    company = a_company("2025-04-10T00:00:00")
    for month in (1, 2, 3):
        use(company, "a0", at=date(2025, month, 5), uncached_input_tokens=1_000_000)
    bill_tokens(company, "4", "uncached_input", "1")
    bill(company, "0.40", "tax")
    march = date(2025, 3, 1)
    bill_tokens(company, "4", "uncached_input", "1", invoice_id="i3", period_start=march,
                period_end=date(2025, 4, 1), invoice_date=date(2025, 4, 3))  # fmt: skip
    truth = count(company)
    assert findings(truth) == [("missing_month", usd("-4.40"))]
    statuses = {
        str(row["period_start"]): row["status"] for row in truth["cost.cost_reconciliation_monthly"]
    }
    assert statuses["2025-02-01"] == "no_invoice_yet"


def test_usage_of_an_unknown_key_is_what_it_put_on_the_invoice() -> None:
    company = a_company()
    use(company, "a0", uncached_input_tokens=1_000_000)
    company.ai_usage.append(
        Usage("key", datetime(2025, 1, 9), "v", "m", api_key_id="k", uncached_input_tokens=500_000)  # noqa: DTZ001
    )
    bill_tokens(company, "6", "uncached_input", "1.5")
    bill(company, "1.20", "tax")
    # The vendor names no key's tool yet, so it tells nothing of its keys.
    assert findings(count(company)) == []
    company.ai_usage[0].api_key_id, company.ai_usage[0].tool = "agents", "agent"
    assert findings(count(company)) == [("unknown_key", usd("2.40"))]


# Who bears it


def borne(truth: Truth) -> dict[tuple[object, object, object], object]:
    return {
        (row["charge_category"], row["team_id"], row["method"]): row["allocated_cost_usd"]
        for row in truth["cost.cost_allocation_monthly"]
    }


def test_usage_goes_to_who_used_it_and_the_rest_with_it() -> None:
    company = a_company()
    use(company, "a0", uncached_input_tokens=500_000)
    use(company, "b0", uncached_input_tokens=250_000)
    bill_tokens(company, "1", "uncached_input", "0.25")
    bill(company, "-0.05", "credit")
    assert borne(count(company)) == {
        ("usage", "a", "direct"): usd("0.67"),
        ("usage", "b", "direct"): usd("0.33"),
        ("credit", "a", "shared"): usd("-0.03"),
        ("credit", "b", "shared"): usd("-0.02"),
    }


def test_seats_go_to_who_holds_them_and_what_nobody_drives_to_nobody() -> None:
    company = a_company()
    company.seats = [
        Seat("w", "pro", JANUARY, "a0@example.com", monthly_price=usd("10"), currency="USD"),
        Seat("w", "pro", JANUARY, None, "b", monthly_price=usd("10"), currency="USD"),
    ]
    company.issues = [Issue("i", "task", datetime(2025, 1, 2))]  # noqa: DTZ001
    bill(company, "20", "purchase", vendor="w", sku="pro")
    bill(company, "3", "purchase")
    truth = count(company)
    assert borne(truth) == {
        ("purchase", "a", "seat"): 10,
        ("purchase", "b", "seat"): 10,
        ("purchase", "unattributed", "unattributed"): 3,
    }
    assert variances(january(truth, "cost.cost_reconciliation_monthly", vendor="w")) == {
        "seats": 20
    }


# Budgets and seats


def test_a_month_without_an_invoice_is_accrued_and_run_to_its_end() -> None:
    company = a_company("2025-02-10T12:00:00")
    company.prices.clear()
    company.ai_costs = [
        VendorCost("v", FEBRUARY + timedelta(days=n), usd("9"), "USD") for n in range(10)
    ]  # 9 of the 10 days are over
    company.budgets = [Budget("CC-1", FEBRUARY, usd("200"), "USD")]
    use(company, "a0", at=FEBRUARY, uncached_input_tokens=1)
    truth = count(company)
    (row,) = [
        row
        for row in truth["cost.budget_vs_actual_monthly"]
        if (row["cost_center"], row["vendor"], row["period_start"]) == ("CC-1", "all", FEBRUARY)
    ]
    assert (row["actual_usd"], row["forecast_to_month_end_usd"]) == (81, 252)
    assert (row["variance_usd"], row["forecast_variance_usd"]) == (-119, 52)
    assert row["is_accrued"]


@pytest.mark.parametrize(("users", "shown"), [(5, ("5", "1.5")), (4, (None, None))])
def test_idle_seats_are_shown_for_enough_people(users: int, shown: tuple[str, str]) -> None:
    company = a_company("2025-07-01T00:00:00")
    june, half = date(2025, 6, 1), date(2025, 6, 16)
    for number in range(6):
        company.seats.append(
            Seat("v", "pro", june, f"a{number}@example.com", None, None, usd("20"), "USD")
        )
    company.seats.append(Seat("v", "pro", half, None, "a", None, usd("20"), "USD"))
    for number in range(users):
        use(company, f"a{number}", at=half, uncached_input_tokens=1)
    (row,) = [row for row in count(company)["cost.seats_monthly"] if row["period_start"] == june]
    assert row["seat_count"] == usd("6.5")
    active, idle = (None if text is None else usd(text) for text in shown)
    assert (row["active_seat_count"], row["idle_seat_count"]) == (active, idle)
    assert row["idle_seat_cost_usd"] == (None if idle is None else 30)
