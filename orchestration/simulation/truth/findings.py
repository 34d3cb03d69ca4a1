"""What is wrong with invoices, and by how much."""

import csv
import functools
from collections.abc import Iterable, Iterator
from dataclasses import astuple
from datetime import date
from decimal import Decimal

from orchestration.simulation.truth.directory import SEEDS, Row, published_id
from orchestration.simulation.truth.invoices import CENT, Invoices, Line, rounded
from orchestration.simulation.truth.metering import Metering
from orchestration.simulation.truth.reconciliation import Reconciliation, seat_charge
from orchestration.simulation.worlds import month_after

TAX_PLACES = (2, 3, 4)
MOST_TAX_PLACES = 6


class Findings:
    """``cost.invoice_findings``."""

    def __init__(
        self, invoices: Invoices, metering: Metering, reconciliation: Reconciliation
    ) -> None:
        self._invoices, self._metering = invoices, metering
        self._reconciliation = reconciliation

    def rows(self) -> list[Row]:
        """The table."""
        found: list[Row] = []
        for invoice in self._invoices.of_invoice.values():
            found += self._of_lines(invoice)
            for currency in {line.record.currency for line in invoice}:
                part = [line for line in invoice if line.record.currency == currency]
                found += self._of_invoice(part)
        for line in self._invoices.lines:
            if self._overlaps(line):
                found.append(_of_line("period_overlap", line, line.amount))
        return [*found, *self._of_unknown_keys(), *self._missing_months()]

    # What a line shows

    def _of_lines(self, invoice: list[Line]) -> Iterator[Row]:
        for line in invoice:
            charged = self._reconciliation.charged.get(line)
            if line.problem:
                yield _of_line(line.problem, line, line.amount)
            if line.restates:
                yield _of_line("late_correction", line, line.amount)
            if any(_is_same(line, other) for other in invoice[: invoice.index(line)]):
                yield _of_line("line_twice", line, line.amount)
            if charged and not charged.is_met and not line.restates:
                yield _of_line("wrong_price", line, charged.price_difference)

    def _overlaps(self, line: Line) -> bool:
        record = line.record
        if line.restates or not record.sku or record.charge_category not in ("usage", "purchase"):
            return False
        return any(
            (other.record.charge_category, other.record.sku) == (record.charge_category, record.sku)
            and other.vendor == line.vendor
            and _order(other) < _order(line)
            and other.record.period_start < record.period_end
            and record.period_start < other.record.period_end
            for other in self._invoices.lines
        )

    # What an invoice shows

    def _of_invoice(self, invoice: list[Line]) -> Iterator[Row]:
        charged = [
            found
            for line in invoice
            if not line.restates and (found := self._reconciliation.charged.get(line))
        ]
        differing = [c for c in charged if self._reconciliation.implied_rate(c.line) != c.rate]
        if differing:
            net = sum((c.fx_difference for c in charged), Decimal())
            month = differing[0].line.first_month
            yield _of_whole("fx_difference", differing[0].line, month, _taxed(invoice, net))
        credits = sum((line.amount for line in invoice if line.kind == "credit"), Decimal())
        whole = sum((line.amount for line in invoice), Decimal())
        if credits < 0 and -credits > whole - credits:
            yield _of_whole("credit_exceeds_invoice", invoice[0], invoice[0].first_month, whole)

    def _of_unknown_keys(self) -> Iterator[Row]:
        for (vendor, month), used in self._metering.months.items():
            lines = [
                line
                for line in self._invoices.lines
                if line.vendor == vendor and line.kind == "usage" and month in line.months
            ]
            if not used.has_unknown_key or not lines:
                continue
            line = min(lines, key=_order)
            amount = None
            if line.rate is not None:
                net = sum(
                    (
                        rounded(metered.cost / line.rate, CENT)
                        - rounded((metered.cost - metered.unknown_cost) / line.rate, CENT)
                        for prices in used.articles.values()
                        for metered in prices.values()
                    ),
                    Decimal(),
                )
                amount = _taxed(self._invoices.of_invoice[line.invoice], net)
            yield _of_whole("unknown_key", line, month, amount)

    # What did not come

    def _missing_months(self) -> Iterator[Row]:
        for vendor in {line.vendor for line in self._invoices.lines}:
            lines = [line for line in self._invoices.lines if line.vendor == vendor]
            charged = {month for line in lines for month in line.months}
            month = min(charged)
            while month < max(charged):
                if month not in charged:
                    yield from self._missing(vendor, month, lines)
                month = month_after(month)

    def _missing(self, vendor: str, month: date, lines: list[Line]) -> Iterator[Row]:
        """The invoice that should have come: like the latest one for an earlier month, if any
        charges for nothing later."""
        of_invoice = self._invoices.of_invoice
        until = {
            line.invoice: max(month for other in of_invoice[line.invoice] for month in other.months)
            for line in lines
        }
        earlier = [line for line in lines if until[line.invoice] < month]
        if not earlier:
            return
        latest = max(earlier, key=lambda line: (until[line.invoice], *_order(line)))
        record = latest.record
        sent = month_after(month) + (record.invoice_date - month_after(until[latest.invoice]))
        rate = self._invoices.rates.on(record.currency, sent)
        used = self._metering.months.get((vendor, month))
        costs = [m.cost for ps in used.articles.values() for m in ps.values()] if used else []
        held = self._metering.seats.get((vendor, month), [])
        plans = {one.seat.plan for one in held}
        amount = None
        if rate is not None:
            net = sum((rounded(cost / rate, CENT) for cost in costs), Decimal())
            net += sum((seat_charge(held, p, record.currency, month) for p in plans), Decimal())
            tax_rate, _ = _tax(of_invoice[latest.invoice])
            amount = -(net + rounded(tax_rate * net, CENT))
        is_priced = bool(costs) or any(one.seat.monthly_price for one in held)
        if is_priced and amount != 0:
            yield _row("missing_month", vendor, month, None, None, record.currency, amount, rate)


def _is_same(line: Line, other: Line) -> bool:
    """Whether two usage lines are the same but for their id."""
    record = line.record
    if record.charge_category != "usage" or record.sku is None or record.quantity is None:
        return False
    return _but_for_its_id(line) == _but_for_its_id(other)


def _but_for_its_id(line: Line) -> tuple[object, ...]:
    invoice_id, _, *rest = astuple(line.record)
    return invoice_id, *rest


def _order(line: Line) -> tuple[date, bytes]:
    return line.record.invoice_date, line.record.invoice_id.encode()


def _tax(invoice: Iterable[Line]) -> tuple[Decimal, Decimal]:
    """The invoice's tax rate, and what it is on."""
    tax = sum((line.amount for line in invoice if line.kind == "tax"), Decimal())
    net = sum((line.amount for line in invoice if line.kind != "tax"), Decimal())
    if not net:
        return Decimal(0), net
    for places in TAX_PLACES:
        rate = rounded(tax / net, Decimal(1).scaleb(-places))
        if rounded(rate * net, CENT) == tax:
            return rate, net
    return rounded(tax / net, Decimal(1).scaleb(-MOST_TAX_PLACES)), net


def _taxed(invoice: Iterable[Line], difference: Decimal) -> Decimal:
    """A difference with the tax on it."""
    rate, net = _tax(invoice)
    return difference + rounded(rate * net, CENT) - rounded(rate * (net - difference), CENT)


def _of_line(finding: str, line: Line, amount: Decimal) -> Row:
    record = line.record
    return _row(
        finding, line.vendor, line.first_month, record.invoice_id, record.invoice_line_id,
        record.currency, amount, line.rate,
    )  # fmt: skip


def _of_whole(finding: str, line: Line, month: date, amount: Decimal | None) -> Row:
    record = line.record
    return _row(
        finding, line.vendor, month, record.invoice_id, None, record.currency, amount, line.rate
    )


def _row(
    finding: str,
    vendor: str,
    month: date,
    invoice_id: str | None,
    line_id: str | None,
    currency: str,
    amount: Decimal | None,
    rate: Decimal | None,
) -> Row:
    invoice = published_id(invoice_id) if invoice_id else None
    parts = [vendor, month.isoformat(), finding, invoice or "", line_id or ""]
    return {
        "finding_id": "|".join(parts),
        "vendor": vendor,
        "period_start": month,
        "finding": finding,
        "invoice_id": invoice,
        "invoice_line_id": line_id,
        "currency": currency,
        "explanation": _explanations()[finding],
        "amount": amount,
        "amount_usd": None if amount is None or rate is None else rounded(amount * rate, CENT),
    }


@functools.cache
def _explanations() -> dict[str, str]:
    with (SEEDS / "invoice_finding_explanations.csv").open(newline="", encoding="utf-8") as lines:
        return {line["finding"]: line["explanation"] for line in csv.DictReader(lines)}
