"""Weeks, months and quarters; medians; ratios."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from orchestration.simulation.worlds import month_after

KINDS = ("weekly", "monthly", "quarterly")


@dataclass(frozen=True)
class Period:
    """A week, a month or a quarter. ``end`` is the first day after it."""

    start: date
    end: date

    def is_partial(self, as_of: datetime) -> bool:
        """Whether ``as_of`` cuts it."""
        return as_of < midnight(self.end)

    def whole_days(self, as_of: datetime) -> int:
        """Its days that are over at ``as_of``."""
        return max(0, (min(self.end, as_of.date()) - self.start).days)


def midnight(day: date) -> datetime:
    """The moment at which the day begins."""
    return datetime.combine(day, time())


def start_of(kind: str, day: date, fiscal_year_start_month: int) -> date:
    """First day of the week, month or quarter that the day is in."""
    if kind == "weekly":
        return day - timedelta(days=day.weekday())
    if kind == "monthly":
        return day.replace(day=1)
    months_into_quarter = (day.month - fiscal_year_start_month) % 3
    return month_after(day.replace(day=1), -months_into_quarter)


def all_periods(kind: str, first: date, last: date, fiscal_year_start_month: int) -> list[Period]:
    """The periods from the one that the first day is in to the one that the last day is in."""
    found = []
    start = start_of(kind, first, fiscal_year_start_month)
    while start <= last:
        end = next_start(kind, start)
        found.append(Period(start, end))
        start = end
    return found


def next_start(kind: str, start: date) -> date:
    """First day of the period after the one that starts then."""
    if kind == "weekly":
        return start + timedelta(days=7)
    return month_after(start, 1 if kind == "monthly" else 3)


def last_day(as_of: datetime) -> date:
    """The last day of which ``as_of`` sees anything."""
    return (as_of - timedelta(microseconds=1)).date()


def quantile(values: Sequence[float], share: float) -> float | None:
    """The continuous quantile: between two values, as far as the share says. None over none."""
    if not values:
        return None
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = int(position)
    if below + 1 == len(ordered):
        return float(ordered[below])
    return ordered[below] + (ordered[below + 1] - ordered[below]) * (position - below)


def median(values: Sequence[float]) -> float | None:
    """The continuous median; None over none."""
    return quantile(values, 0.5)


def mean(values: Sequence[float]) -> float | None:
    """The mean; None over none."""
    return sum(values) / len(values) if values else None


def ratio(numerator: float, denominator: float) -> float | None:
    """One divided by the other; None over nothing."""
    return numerator / denominator if denominator else None


def seconds_between(earlier: datetime | None, later: datetime | None) -> int | None:
    """Whole seconds from one to the other, negative if it is the other way round."""
    if earlier is None or later is None:
        return None
    return (later - earlier) // timedelta(seconds=1)
