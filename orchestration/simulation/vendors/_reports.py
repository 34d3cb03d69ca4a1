"""Reports in pages of buckets, as Anthropic's and OpenAI's usage and cost APIs give them."""

import base64
import binascii
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

Row = TypeVar("Row")
Key = tuple[Any, ...]

WIDTHS = {"1m": timedelta(minutes=1), "1h": timedelta(hours=1), "1d": timedelta(days=1)}
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (UTC, as all moments here)
RESTATED_FOR = timedelta(days=3)


class Page(dict[str, Any]):
    """A body that knows the token it would be asked for with."""

    token = ""


@dataclass
class Ledger(Generic[Row]):
    """Rows by the moment they belong to. ``lag``: how long they take to be seen."""

    rows: Sequence[Row]
    at: Callable[[Row], datetime]
    lag: timedelta = timedelta(0)
    _times: list[datetime] = field(init=False)

    def __post_init__(self) -> None:
        self.rows = sorted(self.rows, key=self.at)
        self._times = [self.at(row) for row in self.rows]

    def between(self, start: datetime, end: datetime, now: datetime) -> Iterator[Row]:
        """The rows of a bucket that are seen by now."""
        first = bisect_left(self._times, start)
        last = bisect_left(self._times, min(end, now - self.lag))
        yield from self.rows[first:last]


def grouped(rows: Iterable[Row], key: Callable[[Row], Key]) -> list[tuple[Key, list[Row]]]:
    """The rows by their dimensions, in the same order whenever it is asked."""
    groups: dict[Key, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return sorted(groups.items(), key=lambda group: repr(group[0]))


def page(
    start: datetime, end: datetime, width: timedelta, limit: int, token: str,
    bucket: Callable[[datetime, datetime], dict[str, Any]],
) -> Page:  # fmt: skip
    """The buckets from ``token`` on, at most ``limit``; empty ones are there too.
    Raises ValueError for a token that nobody was given."""
    begins = datetime.fromisoformat(position(token)) if token else start
    if not start <= begins < end and token:
        raise ValueError
    starts: list[datetime] = []
    while begins < end and len(starts) < limit:
        starts.append(begins)
        begins += width
    has_more = begins < end
    found = Page(
        data=[bucket(each, each + width) for each in starts],
        has_more=has_more,
        next_page=place(begins.isoformat()) if has_more else None,
    )
    found.token = place(starts[0].isoformat(), again=True) if starts else ""
    return found


def floored(value: datetime, width: str) -> datetime:
    """The beginning of the bucket that a moment lies in."""
    return value - (value - EPOCH) % WIDTHS[width]


def emptied(body: Page) -> Page:
    """A page that holds nothing, and says that there is more."""
    return Page(data=[], has_more=True, next_page=body.token) if body.token else body


def place(text: str, *, again: bool = False) -> str:
    """A token for a place in a list."""
    return "page_" + base64.urlsafe_b64encode(f"{text}{'~' * again}".encode()).decode()


def position(token: str) -> str:
    """The place that a token stands for. Raises ValueError."""
    try:
        return base64.urlsafe_b64decode(token.removeprefix("page_")).decode().rstrip("~")
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError(token) from None


def restated(quantity: int, begins: datetime, now: datetime) -> int:
    """What a bucket of the last days says of a quantity at first: a tenth less."""
    return quantity * 9 // 10 if now - begins < RESTATED_FOR else quantity
