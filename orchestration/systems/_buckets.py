"""Reports by UTC day, as Anthropic's and OpenAI's usage and cost APIs give them: pages of buckets.

They are read by the calendar month. A month is one window that is replaced whole, and a bucket of
another month is an error, so no day can stand in two windows: nothing is counted twice.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from orchestration.lake import Stream, Window
from orchestration.systems._http import Answer, Api, Unexpected
from orchestration.systems._reading import Telling

DAY = timedelta(days=1)

Days = dict[date, list[Any]]
# Makes a record of a payload and the day it stands in. Raises Refused.
Record = Callable[[Any, date], dict[str, Any]]


def chain(api: Api, path: str, parameters: Mapping[str, Any]) -> Iterator[list[Any]]:
    """The pages of a list that says ``has_more`` and ``next_page``."""

    def following(answer: Answer) -> tuple[str, Mapping[str, Any]] | None:
        said = answer.json()
        has_more, page = said.get("has_more"), said.get("next_page")
        if has_more is False:
            return None
        if has_more is not True or not page:
            raise Unexpected(f"{api.name}: {path}: does not say where its next page is")
        return path, {**parameters, "page": page}

    for answer in api.pages(path, parameters, following, lambda said: said["data"]):
        yield answer.json()["data"]


@dataclass(frozen=True)
class Report:
    """A report by day. ``bounds``: the parameters that ask for a stretch of time; ``starts_at``:
    when a bucket begins, in UTC."""

    api: Api
    path: str
    parameters: Mapping[str, Any]
    bounds: Callable[[datetime, datetime], Mapping[str, Any]]
    starts_at: Callable[[Any], datetime]

    def days(self, window: Window, until: datetime) -> Days:
        """What each day of a window holds; the one that ``until`` lies in as far as it is known.
        Raises ApiError, also where a day between others is missing."""
        start, end = _bounds(window, until)
        found: Days = {}
        parameters = {**self.parameters, **self.bounds(start, end)}
        for page in chain(self.api, self.path, parameters):
            for bucket in page:
                day, results = self._read(bucket)
                if not start.date() <= day < end.date():
                    raise self._unexpected(f"gave {day}, which was not asked for")
                if day in found:
                    raise self._unexpected(f"gave {day} twice")
                found[day] = results
        told = min(found, default=None)
        gaps = [day for day in _past_days(window, until) if told and told < day not in found]
        if gaps:
            raise self._unexpected(f"left out {gaps[0]}")
        return found

    def _read(self, bucket: Any) -> tuple[date, list[Any]]:
        try:
            begins, results = self.starts_at(bucket), bucket["results"]
        except (KeyError, TypeError, ValueError, OverflowError):
            raise self._unexpected("gave a bucket of another form than documented") from None
        if begins.time().isoformat() != "00:00:00" or not isinstance(results, list):
            raise self._unexpected("gave a bucket that is not a day's")
        return begins.date(), results

    def _unexpected(self, what: str) -> Unexpected:
        return Unexpected(f"{self.api.name}: {self.path}: {what}; nothing of this month is kept")


def land_months(
    telling: Telling, stream: Stream, report: Report, look_back: timedelta, record: Record
) -> None:
    """Reads and lands the months that are due. Days that the vendor leaves out before the first
    that it tells of may be from before the organisation was there: the outcome says which."""
    reading = telling.reading
    due = reading.buckets(stream, telling.scope, "month", look_back)
    untold: list[date] = []
    for window, days in report.api.map(lambda each: report.days(each, reading.until), due):
        missing = [day for day in _past_days(window, reading.until) if day not in days]
        untold += missing
        stands = [b for b in reading.before(stream, telling.scope) if b.window == window]
        if not days or (missing and stands):
            continue
        with telling.landing(window, stream) as landing:
            met: Counter[str] = Counter()
            for day, results in sorted(days.items()):
                for number, payload in enumerate(results, start=1):
                    with landing.reading(stream, payload, f"{day} result {number}"):
                        landing.add(stream, _numbered(record(payload, day), met))
    if untold:
        telling.remarks.append(
            f"{stream.name}: not a word of {len(untold):,} days between {min(untold)} and "
            f"{max(untold)}; if the organisation is younger, set since"
        )


def usage_id(day: date, *dimensions: object) -> str:
    """The same for the same day and dimensions, whenever it is read."""
    text = json.dumps([day.isoformat(), *dimensions])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _numbered(record: dict[str, Any], met: Counter[str]) -> dict[str, Any]:
    """Two alike are two: the second one gets an id of its own."""
    own = record.get("usage_id")
    if own is not None:
        met[own] += 1
        if met[own] > 1:
            record["usage_id"] = f"{own}-{met[own]}"
    return record


def _bounds(window: Window, until: datetime) -> tuple[datetime, datetime]:
    """The stretch to ask for: whole days, none after the one that ``until`` lies in."""
    start, end = window.start, window.end
    assert start and end  # noqa: S101  (a month has both)
    midnight = until.replace(hour=0, minute=0, second=0, microsecond=0)
    return start, min(end, midnight if midnight == until else midnight + DAY)


def _past_days(window: Window, until: datetime) -> list[date]:
    """The days of a window that are over."""
    start, end = window.start, window.end
    assert start and end  # noqa: S101
    count = (min(end, until) - start) // DAY
    return [start.date() + number * DAY for number in range(count)]
