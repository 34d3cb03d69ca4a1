import csv
from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest

from orchestration.simulation import billing, organization, usage
from orchestration.simulation.billing import Article, PriceBook, list_prices
from orchestration.simulation.organization import Organization
from orchestration.simulation.records import Company, InvoiceLine, Seat, Usage
from orchestration.simulation.worlds import BILLING_FAULTS, Adoption, BillingFault, World

SEED = Path(__file__).resolve().parents[3] / "seeds" / "ai_prices.csv"
WORLD = World(
    "test",
    "Six teams, eight months, February to September 2025: two prices fall in mid-month.",
    teams=6,
    months=8,
    starts_on=date(2025, 2, 1),
    adoption=Adoption(first_month=1, last_month=2),
)


@cache
def used(faults: tuple[BillingFault, ...]) -> Organization:
    found = organization.found(replace(WORLD, billing_faults=faults), 7)
    usage.use(found)
    return found


@cache
def billed(*faults: BillingFault) -> Company:
    found = used(tuple(kind for kind in faults if kind == "unknown_key"))
    company = replace(
        found.company,
        planted=replace(found.company.planted, faults=[]),
        ai_costs=[], invoices=[], prices=[], budgets=[], fx_rates=[],
    )  # fmt: skip
    world = replace(WORLD, billing_faults=faults)
    billing.bill(replace(found, world=world, company=company))
    return company


def billed_by_hand(
    *records: Usage, seats: tuple[Seat, ...] = (), faults: tuple[BillingFault, ...] = ()
) -> Company:
    """A company of July to October 2024 that used just this; contracts from 15 August."""
    world = World("by hand", "Four months.", teams=2, months=4, billing_faults=faults)
    found: Organization = organization.found(world, 1)
    found.company.ai_usage.extend(records)
    found.company.seats.extend(seats)
    billing.bill(found)
    return found.company


def record(day: date, vendor: str, model: str, **values: object) -> Usage:
    moment = datetime(day.year, day.month, day.day, 23, 59, 59)  # noqa: DTZ001
    return Usage(f"{model} {day}", moment, vendor, model, **values)  # type: ignore[arg-type]


def lines_of(
    company: Company, vendor: str, month: date, category: str = "usage"
) -> list[InvoiceLine]:
    return [
        line
        for line in company.invoices
        if (line.vendor, line.period_start, line.charge_category) == (vendor, month, category)
    ]


def totals(company: Company) -> dict[str, Decimal]:
    """Each invoice's total."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for line in company.invoices:
        sums[line.invoice_id] += line.amount
    return dict(sums)


# Prices.


@pytest.mark.parametrize(
    ("vendor", "article", "day", "usd"),
    [
        ("openai", Article("o3", "output", "standard", False, 0), date(2025, 6, 9), "40"),
        ("openai", Article("o3", "output", "standard", False, 0), date(2025, 6, 10), "8"),
        (
            "anthropic",
            Article("claude-sonnet-4-6", "cache_read", "standard", False, 200_000),
            date(2026, 3, 12),
            "0.6",
        ),
        (
            "anthropic",
            Article("claude-sonnet-4-6", "cache_read", "standard", False, 200_000),
            date(2026, 3, 13),
            "0.3",
        ),
        (
            "anthropic",
            Article("claude-sonnet-4-20250514", "output", "standard", False, 0),
            date(2025, 6, 1),
            "15",
        ),
        # A model of its own borrows nothing; a batch without a price has none.
        (
            "openai",
            Article("gpt-4o-2024-05-13", "cache_read", "standard", False, 0),
            date(2025, 6, 1),
            None,
        ),
        (
            "anthropic",
            Article("claude-3-sonnet-20240229", "output", "standard", True, 0),
            date(2025, 6, 1),
            None,
        ),
    ],
)
def test_the_list_price_of_the_day(
    vendor: str, article: Article, day: date, usd: str | None
) -> None:
    price = PriceBook(list_prices()).price(vendor, article, day)
    assert price == (None if usd is None else Decimal(usd))


def test_a_contract_names_the_models_there_are_and_changes_in_mid_month() -> None:
    # Eight months from February: signed on 15 April, anew on 15 July.
    company = billed()
    prices = {
        (price.model, price.valid_from): price
        for price in company.prices
        if price.token_class.startswith("uncached")
    }
    first, second = date(2025, 4, 15), date(2025, 7, 15)
    assert {model for model, since in prices if since == first} == {
        "claude-3-5-sonnet", "claude-3-7-sonnet",
    }  # fmt: skip
    assert ("claude-sonnet-4", second) in prices
    assert prices["claude-3-7-sonnet", first].usd_per_million == Decimal("2.70")
    assert prices["claude-3-7-sonnet", first].valid_to == second
    assert prices["claude-3-7-sonnet", second].usd_per_million == Decimal("2.55")
    assert prices["claude-3-7-sonnet", second].valid_to is None


# Invoices.


def test_a_month_worked_out_by_hand() -> None:
    company = billed_by_hand(
        record(
            date(2024, 7, 10), "anthropic", "claude-3-5-sonnet-20240620",
            uncached_input_tokens=1_000_000,
            cache_read_tokens=2_000_000,
            cache_write_5m_tokens=40_000,
            cache_write_1h_tokens=10_000,
            output_tokens=100_000,
        ),
        record(date(2024, 7, 31), "anthropic", "claude-3-5-sonnet-20240620", output_tokens=400),
    )  # fmt: skip
    amounts = {
        line.sku: (line.quantity, line.unit_price, line.amount)
        for line in lines_of(company, "anthropic", date(2024, 7, 1))
    }
    model = "claude-3-5-sonnet-20240620"
    assert amounts == {
        f"{model}/uncached-input": (1, 3, Decimal("3.00")),
        f"{model}/cache-read": (2, Decimal("0.3"), Decimal("0.60")),
        f"{model}/cache-write-5m": (Decimal("0.04"), Decimal("3.75"), Decimal("0.15")),
        f"{model}/cache-write-1h": (Decimal("0.01"), 6, Decimal("0.06")),
        # 100,400 tokens at 15 USD a million are 1.506 USD.
        f"{model}/output": (Decimal("0.1004"), 15, Decimal("1.51")),
    }
    reported = {cost.line_item: cost.amount for cost in company.ai_costs if cost.amount < 1}
    assert reported[f"{model}, output"] == Decimal("0.01")  # 0.006 of the 31st, to the cent


def test_each_day_has_its_own_price_when_it_changes_in_mid_month() -> None:
    # 3 USD until the contract of 15 August takes a tenth off.
    model, million = "claude-3-5-sonnet-20240620", 1_000_000
    company = billed_by_hand(
        record(date(2024, 8, 14), "anthropic", model, uncached_input_tokens=2 * million),
        record(date(2024, 8, 15), "anthropic", model, uncached_input_tokens=5 * million),
    )
    lines = lines_of(company, "anthropic", date(2024, 8, 1))
    assert {line.unit_price: line.amount for line in lines} == {
        Decimal("3"): Decimal("6.00"),
        Decimal("2.70"): Decimal("13.50"),
    }


def test_what_has_no_price_is_not_billed() -> None:
    company = billed_by_hand(
        record(date(2024, 7, 3), "openai", "dall-e-3", other_units=Decimal(4)),
        record(date(2024, 7, 3), "openai", "no-such-model", output_tokens=1_000_000),
        record(
            date(2024, 7, 3), "anthropic", "claude-3-5-sonnet-20240620",
            service_tier="batch",
            output_tokens=1_000_000,
        ),
    )  # fmt: skip
    assert [line for line in company.invoices if line.period_start == date(2024, 7, 1)] == []
    assert company.ai_costs == []


def test_the_vendor_in_euro_takes_the_rate_of_the_invoice_date_and_adds_vat() -> None:
    # 2 million at the batch price of 1.25, and 1 million at the priority price of 4.25.
    tokens = {"uncached_input_tokens": 1_000_000}
    company = billed_by_hand(
        record(date(2024, 7, 1), "openai", "gpt-4o", is_batch=True, service_tier="default",
               uncached_input_tokens=2_000_000),
        record(date(2024, 7, 1), "openai", "gpt-4o", service_tier="priority", **tokens),
    )  # fmt: skip
    rate = next(r.usd_per_unit for r in company.fx_rates if r.rate_date == date(2024, 8, 5))
    lines = lines_of(company, "openai", date(2024, 7, 1))
    expected = [round(Fraction(usd) / Fraction(rate) * 100) for usd in ("5", "4.25")]
    assert sorted(int(line.amount * 100) for line in lines) == sorted(expected)
    assert {line.invoice_date for line in lines} == {date(2024, 8, 5)}
    assert {line.currency for line in lines} == {"EUR"}
    (tax,) = lines_of(company, "openai", date(2024, 7, 1), "tax")
    net = sum(line.amount for line in lines)
    assert abs(tax.amount - net / 5) <= Decimal("0.005")
    assert sum(cost.amount for cost in company.ai_costs) == Decimal("9.25")  # reported in USD


def test_seats_are_charged_by_the_day() -> None:
    # September has 30 days: two seats all of it; one for the first 10 and one for the last 5.
    def seat(start: date, end: date | None = None) -> Seat:
        return Seat("github", "copilot_business", start, "p", None, end, Decimal(19), "USD")

    company = billed_by_hand(
        seats=(
            seat(date(2024, 8, 1)),
            seat(date(2024, 9, 1)),
            seat(date(2024, 9, 1), date(2024, 9, 11)),
            seat(date(2024, 9, 26)),
        )
    )
    lines = lines_of(company, "github", date(2024, 9, 1), "purchase")
    assert [(line.quantity, line.amount) for line in lines] == [
        (2, Decimal("38.00")),
        (Decimal("0.5"), Decimal("9.50")),
    ]
    days = {c.cost_date: c.amount for c in company.ai_costs if c.vendor == "github"}
    assert days[date(2024, 9, 10)] == Decimal("1.9")  # three seats at 19 ÷ 30
    assert days[date(2024, 9, 11)] == Decimal("1.266667")


def test_a_minimum_is_topped_up_once_there_is_a_contract() -> None:
    # The contract is of mid-August, so September is the first month of the commitment.
    company = billed_by_hand(
        record(date(2024, 9, 2), "anthropic", "claude-3-haiku-20240307", output_tokens=1_000_000)
    )
    assert lines_of(company, "anthropic", date(2024, 8, 1), "adjustment") == []
    (top_up,) = lines_of(company, "anthropic", date(2024, 9, 1), "adjustment")
    (credit,) = lines_of(company, "anthropic", date(2024, 9, 1), "credit")
    people = sum(
        m.valid_from <= date(2024, 8, 15) and (m.valid_to or date.max) > date(2024, 8, 15)
        for m in company.team_memberships
        if m.share != Decimal("0.3")
    )
    assert Decimal("1.25") + top_up.amount == 10 * people
    assert credit.amount == Decimal("-0.06")  # 5 % of 1.25


def plain_cost(company: Company, vendor: str, month: date) -> Fraction:
    """What the month's usage cost at list and contract prices: record by record, exact."""
    rows = _seed_rows()
    listed = {(row[0], row[1]) for row in rows}
    cost = Fraction()
    for usage_record in company.ai_usage:
        day = usage_record.occurred_at.date()
        if usage_record.vendor != vendor or day.replace(day=1) != month:
            continue
        tier = usage_record.service_tier or "standard"
        is_batch = bool(usage_record.is_batch) or tier == "batch"
        tier = "standard" if tier in ("default", "batch") else tier
        name = usage_record.model
        if (vendor, name) not in listed:
            name = name[:-9]  # without -20250219
        for token_class in billing.TOKEN_CLASSES:
            count = getattr(usage_record, f"{token_class}_tokens")
            if count:
                key = (vendor, name, token_class, tier, str(is_batch).lower(), "0")
                cost += count * _plain_price(company, rows[key], key, day) / 1_000_000
    return cost


@cache
def _seed_rows() -> dict[tuple[str, ...], list[dict[str, str]]]:
    rows: dict[tuple[str, ...], list[dict[str, str]]] = defaultdict(list)
    with SEED.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            rows[tuple(row.values())[:6]].append(row)
    return rows


def _plain_price(
    company: Company, rows: list[dict[str, str]], key: tuple[str, ...], day: date
) -> Fraction:
    for price in company.prices:
        agreed = (price.vendor, price.model, price.token_class, "standard", "false", "0")
        if agreed == key and price.valid_from <= day < (price.valid_to or date.max):
            return Fraction(price.usd_per_million)
    (row,) = [
        row for row in rows if row["valid_from"] <= day.isoformat() < (row["valid_to"] or "9999")
    ]
    return Fraction(row["usd_per_million"])


@pytest.mark.parametrize("month", [date(2025, 4, 1), date(2025, 6, 1), date(2025, 7, 1)])
def test_usage_lines_are_the_metered_cost_to_the_cent_of_each_line(month: date) -> None:
    # April and July: the contract changes; June: the list price of o3 falls.
    company = billed()
    for vendor in ("anthropic", "openai"):
        lines = lines_of(company, vendor, month)
        rate = Fraction(1)
        if vendor == "openai":
            (invoice_date,) = {line.invoice_date for line in lines}
            rates = {r.rate_date: r.usd_per_unit for r in company.fx_rates}
            rate = Fraction(rates[invoice_date])
        invoiced = sum(Fraction(line.amount) for line in lines)
        metered = plain_cost(company, vendor, month) / rate
        assert abs(invoiced - metered) <= Fraction(5, 1000) * len(lines)
        assert sum(line.quantity or 0 for line in lines) * 1_000_000 == sum(
            getattr(r, f"{token_class}_tokens") or 0
            for r in company.ai_usage
            if r.vendor == vendor and r.occurred_at.date().replace(day=1) == month
            for token_class in billing.TOKEN_CLASSES
        )


def test_june_has_both_prices_of_o3() -> None:
    lines = lines_of(billed(), "openai", date(2025, 6, 1))
    prices = [line.unit_price or 0 for line in lines if line.sku == "o3/output"]
    assert len(prices) == 2
    # 40 and 8 USD in euros: five to one.
    assert float(max(prices) / min(prices)) == pytest.approx(5, rel=1e-6)


def test_vendors_report_what_they_meter_through_the_last_full_day() -> None:
    company = billed()
    for vendor, unit in (("anthropic", Decimal("0.01")), ("openai", Decimal("0.000001"))):
        costs = [cost for cost in company.ai_costs if cost.vendor == vendor]
        month = [cost for cost in costs if cost.cost_date.replace(day=1) == date(2025, 6, 1)]
        reported = sum(Fraction(cost.amount) for cost in month)
        metered = plain_cost(company, vendor, date(2025, 6, 1))
        assert abs(reported - metered) <= Fraction(unit) / 2 * len(month)
        assert max(cost.cost_date for cost in costs) == company.as_of.date() - timedelta(days=1)
        assert {cost.amount % unit for cost in costs} == {0}


def test_no_invoice_is_dated_at_or_after_as_of() -> None:
    company = billed()
    assert max(line.invoice_date for line in company.invoices) < company.as_of.date()
    assert max(line.period_start for line in company.invoices) == date(2025, 8, 1)


def test_line_ids_are_unique_and_money_is_decimal_in_cents() -> None:
    company = billed(*BILLING_FAULTS)
    ids = [line.invoice_line_id for line in company.invoices]
    assert len(set(ids)) == len(ids)
    for line in company.invoices:
        assert isinstance(line.amount, Decimal)
        assert line.amount == line.amount.quantize(Decimal("0.01"))
        if line.charge_category == "usage" and line.currency == "USD":
            exact = (line.quantity or 0) * (line.unit_price or 0)
            assert abs(line.amount - exact) <= Decimal("0.005")


# Faults.


def test_without_the_lever_nothing_is_wrong() -> None:
    assert billed().planted.faults == []


@pytest.mark.parametrize("kind", BILLING_FAULTS)
def test_a_fault_moves_one_invoice_by_its_amount_and_no_other(kind: BillingFault) -> None:
    right, wrong = totals(billed()), totals(billed(kind))
    (fault,) = billed(kind).planted.faults
    assert fault.kind == kind
    assert fault.amount != 0
    moved = {
        invoice_id: wrong.get(invoice_id, Decimal()) - right.get(invoice_id, Decimal())
        for invoice_id in right | wrong
        if wrong.get(invoice_id) != right.get(invoice_id)
    }
    missing = f"{fault.vendor}-{fault.month:%Y-%m}"
    assert moved == {fault.invoice_id or missing: fault.amount}


def test_all_faults_at_once_are_those_of_each_alone() -> None:
    alone = [fault for kind in BILLING_FAULTS for fault in billed(kind).planted.faults]
    assert billed(*BILLING_FAULTS).planted.faults == alone


def test_the_doubled_line_is_there_twice() -> None:
    company = billed("line_twice")
    (fault,) = company.planted.faults
    twin = next(x for x in company.invoices if x.invoice_line_id == fault.invoice_line_id)
    same = [
        line
        for line in company.invoices
        if (line.invoice_id, line.sku, line.unit_price) == (twin.invoice_id, twin.sku,
                                                            twin.unit_price)
    ]  # fmt: skip
    assert [line.amount for line in same] == [fault.amount, fault.amount]


def test_the_correction_restates_an_earlier_month_two_months_later() -> None:
    company = billed("late_correction")
    (fault,) = company.planted.faults
    line = next(x for x in company.invoices if x.invoice_line_id == fault.invoice_line_id)
    assert (line.charge_category, line.invoice_id) == ("adjustment", "anthropic-2025-08")
    assert (line.restates_period, line.period_start, fault.month) == (
        "2025-06", date(2025, 6, 1), date(2025, 6, 1),
    )  # fmt: skip


def test_a_fault_that_has_no_invoice_to_be_in_is_not_planted() -> None:
    # A contract's minimum is invoiced in September though nothing was used.
    assert billed_by_hand(faults=BILLING_FAULTS).planted.faults == []
    # 1.25 USD in July, then in September too: the newest invoice with usage, and one before it.
    model, tokens = "claude-3-haiku-20240307", 1_000_000
    july, september = (
        record(date(2024, month, 2), "anthropic", model, output_tokens=tokens) for month in (7, 9)
    )
    once = billed_by_hand(july, faults=BILLING_FAULTS)
    assert once.planted.faults == []  # a correction comes two months later
    twice = billed_by_hand(july, september, faults=BILLING_FAULTS)
    assert [(fault.kind, fault.month, fault.amount) for fault in twice.planted.faults] == [
        ("line_twice", date(2024, 7, 1), Decimal("1.25")),
        ("late_correction", date(2024, 7, 1), Decimal("-0.20")),  # 8 % of both
    ]


def test_a_fault_that_rounding_would_hide_is_not_planted() -> None:
    # 0.01 USD a month: a quarter more is 0.01 too, and a correction of 8 % is nothing.
    cents = [
        record(date(2024, month, 2), "anthropic", "claude-3-haiku-20240307", output_tokens=8_000)
        for month in (7, 8, 9)
    ]
    assert billed_by_hand(*cents, faults=BILLING_FAULTS).planted.faults == []


def test_every_cost_centre_has_a_budget_each_month() -> None:
    company = billed()
    months: dict[str, set[date]] = defaultdict(set)
    for budget in company.budgets:
        assert budget.amount >= 0 and budget.amount % 10 == 0
        months[budget.cost_center].add(budget.month)
    departments = [team.cost_center for team in company.teams if team.parent_team_id is None]
    for cost_center in departments:
        assert len(months[str(cost_center)]) == 8
