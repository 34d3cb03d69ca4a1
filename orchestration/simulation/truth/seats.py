"""Seats that are paid for, and those that somebody uses."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from orchestration.simulation.records import Company
from orchestration.simulation.truth.adoption import tells_of_use
from orchestration.simulation.truth.allocation import Allocation
from orchestration.simulation.truth.directory import (
    ORGANIZATION,
    Directory,
    Policy,
    Row,
    is_seen,
)
from orchestration.simulation.truth.invoices import Rates, days_of, rounded
from orchestration.simulation.truth.lines import SMALL_TEAMS, Lines
from orchestration.simulation.truth.metering import Held, Metering
from orchestration.simulation.truth.periods import last_day, midnight, start_of
from orchestration.simulation.worlds import month_after

ZERO = Decimal(0)

Key = tuple[str, str, date]  # vendor, plan, month


@dataclass
class Line:
    """A line of teams in a month of a plan."""

    days: int = 0
    active_days: int = 0
    active_people: set[str] = field(default_factory=set)
    idle: list[tuple[str | None, Decimal | None]] = field(default_factory=list)  # a day each
    idle_cost: Decimal | None = None


@dataclass
class SeatMonth:
    """A month of a vendor's plan: its lines of teams, and those of which use may be shown."""

    key: Key
    lines: dict[str, Line]
    shown: set[str]


def months_of_seats(
    company: Company,
    directory: Directory,
    metering: Metering,
    allocation: Allocation,
    rates: Rates,
    policy: Policy,
) -> list[SeatMonth]:
    """Every plan's months in which a seat was held."""
    users = _users(company, directory)
    held: dict[Key, list[Held]] = defaultdict(list)
    for (vendor, month), seats in metering.seats.items():
        for one in seats:
            held[vendor, one.seat.plan, month].append(one)
    months = []
    for key, seats in held.items():
        found = _by_line(key, seats, directory, allocation, users)
        _, _, month = key
        last = min(month_after(month) - timedelta(days=1), last_day(company.as_of))
        for line in found.values():
            line.idle_cost = _idle_cost(line, month, last, rates)
        months.append(SeatMonth(key, found, _shown(found, policy.minimum_group_size)))
    return months


def seats_monthly(months: list[SeatMonth], directory: Directory, lines: Lines) -> list[Row]:
    """``cost.seats_monthly``."""
    return [
        _row(month.key, line_id, line, line_id in month.shown, directory, lines)
        for month in months
        for line_id, line in month.lines.items()
    ]


def _users(company: Company, directory: Directory) -> set[tuple[str, date, str]]:
    """Vendor, month and person of everybody who used something of the vendor's."""
    found = set()
    for usage in company.ai_usage:
        if is_seen(usage.occurred_at, company.as_of):
            month = usage.occurred_at.date().replace(day=1)
            found.add((usage.vendor.lower(), month, directory.person(usage.person) or ""))
    for activity in company.ai_activity:
        is_known = midnight(activity.activity_date) < company.as_of and activity.vendor
        if is_known and tells_of_use(activity):
            month = activity.activity_date.replace(day=1)
            vendor = str(activity.vendor).lower()
            found.add((vendor, month, directory.person(activity.person) or ""))
    return found


def _by_line(
    key: Key,
    seats: list[Held],
    directory: Directory,
    allocation: Allocation,
    users: set[tuple[str, date, str]],
) -> dict[str, Line]:
    vendor, _, month = key
    found: dict[str, Line] = defaultdict(Line)
    for one in seats:
        holder = directory.person(one.seat.person)
        is_active = holder is not None and (vendor, month, holder) in users
        for day in one.days:
            team_id = allocation.teams_of_seat(one.seat, day)[-1][0]
            line = found[allocation.line_of(team_id, month)]
            line.days += 1
            if holder is not None and is_active:
                line.active_days += 1
                line.active_people.add(holder)
            else:
                line.idle.append((one.seat.currency, one.seat.monthly_price))
    return dict(found)


def _shown(lines: dict[str, Line], minimum: int) -> set[str]:
    """Lines with enough active people, less the smallest one beside those that are too few, or
    nobody: who moved counts on two, so they may be no more than the largest of them."""
    counts = {line_id: len(line.active_people) for line_id, line in lines.items()}
    shown = {line_id for line_id, count in counts.items() if count >= minimum}
    if shown and len(shown) < len(counts):
        shown.remove(min(shown, key=lambda line_id: (counts[line_id], line_id)))
    return shown


def _row(
    key: Key,
    line_id: str,
    line: Line,
    is_shown: bool,
    directory: Directory,
    lines: Lines,
) -> Row:
    vendor, plan, month = key
    last = min(month_after(month) - timedelta(days=1), last_day(directory.as_of))
    reached = (last - month).days + 1
    return {
        "vendor": vendor,
        "plan": plan,
        "period_start": month,
        "department_id": lines.department_of(line_id),
        "team_id": line_id,
        "team_name": lines.name_of(line_id),
        "seat_count": rounded(Decimal(line.days) / reached),
        "active_seat_count": rounded(Decimal(line.active_days) / reached) if is_shown else None,
        "idle_seat_count": rounded(Decimal(len(line.idle)) / reached) if is_shown else None,
        "idle_seat_cost_usd": line.idle_cost if is_shown else None,
        "is_reported": is_shown,
        "is_partial_period": directory.as_of < midnight(month_after(month)),
        "period_end": month_after(month),
    }


def _idle_cost(line: Line, month: date, last: date, rates: Rates) -> Decimal | None:
    """Their monthly price by the day; None if a price or a rate is unknown."""
    prices: dict[str, Decimal] = defaultdict(Decimal)
    for currency, price in line.idle:
        if price is None or currency is None:
            return None
        prices[currency] += price
    whole = Decimal(0)
    for currency, amount in prices.items():
        rate = rates.on(currency, last)
        if rate is None:
            return None
        whole += rounded(amount * rate)
    return rounded(whole / days_of(month))


# What idle seats cost a scope


class IdleSeats:
    """What the idle seats of each scope cost in a period; None where it may not be told."""

    def __init__(
        self, months: list[SeatMonth], lines: Lines, policy: Policy, first_month: date
    ) -> None:
        self._lines, self._policy = lines, policy
        self._is_known = bool(months)
        self._parts: dict[tuple[str, str, str, date], list[Decimal | None]] = defaultdict(list)
        for month in months:
            if month.key[2] >= first_month:
                self._count(month)

    def cost(self, kind: str, scope_type: str, scope_id: str, start: date) -> Decimal | None:
        """Of a scope that is reported."""
        if not self._is_known:
            return None
        parts = self._parts.get((kind, scope_type, scope_id, start), [])
        return None if None in parts else sum((part or ZERO for part in parts), ZERO)

    def _count(self, seats: SeatMonth) -> None:
        """Each line on its own, its department's and the organization's figures; hidden lines
        are in the organization's alone, and where together they are enough people."""
        month = seats.key[2]
        quarter = start_of("quarterly", month, self._policy.fiscal_year_start_month)
        hidden = [line for line_id, line in seats.lines.items() if line_id not in seats.shown]
        minimum = self._policy.minimum_group_size
        is_whole = not hidden or max(len(line.active_people) for line in hidden) >= minimum
        for line_id, line in seats.lines.items():
            joined = line_id
            if line_id != SMALL_TEAMS:
                joined = self._lines.line_of(line_id, "quarterly", quarter)
            part = line.idle_cost if line_id in seats.shown else None
            whole = line.idle_cost if is_whole else None
            for kind, start, team_id in (
                ("monthly", month, line_id),
                ("quarterly", quarter, joined),
            ):
                department_id = self._lines.department_of(team_id)
                self._parts[kind, "team", team_id, start].append(part)
                self._parts[kind, "department", department_id, start].append(part)
                self._parts[kind, ORGANIZATION, ORGANIZATION, start].append(whole)
