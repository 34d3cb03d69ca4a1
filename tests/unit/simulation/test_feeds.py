"""The files of a simulated company. That they read back is tested in tests/integration."""

import csv
import dataclasses
import gzip
import json
import typing
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestration.simulation import feeds
from orchestration.simulation.records import Company, Incident, PullRequest, Usage
from orchestration.simulation.worlds import Messiness
from orchestration.systems.files import FEEDS, Column, Feed

STARTS_ON = date(2025, 1, 1)
RECORDS = 60
HINTS = typing.get_type_hints(Company)
# Much more of everything than in life: sixty records show each kind of mess.
MESS = Messiness(duplicated=0.3, restated=0.4, contradictory=0.3, late_days=20)


def value(feed: Feed, column: Column, number: int) -> Any:
    """Something that fits the column and differs from record to record."""
    hours = 0 if column.name in dict(feed.ordered) else 5
    moment = datetime(2025, 1, 2) + timedelta(days=number, hours=hours)  # noqa: DTZ001
    if column.values:
        return column.values[number % len(column.values)]
    if column.name == "value":
        return "3"
    return {
        "string": f"{column.name} {number}, and “more”",
        "text": f'Add "{number}"; then\nmore',
        "word": f"{column.name}-{number}",
        "person": f"person-{number:04d}@example.com",
        "list": (f"a-{number}", "b"),
        "integer": number + 1,
        "decimal": Decimal(number) / 64,
        "boolean": number % 2 == 0,
        "date": moment.date() + timedelta(days=hours),
        "month": date(2025, 1 + number % 12, 1),
        "timestamp": moment,
    }[column.type]


def record_class(feed: Feed) -> Any:
    return typing.get_args(HINTS[feed.name])[0]


def record(feed: Feed, number: int) -> Any:
    """A record; every third has its optional cells empty, unless they are of the key."""
    given = {
        column.name: value(feed, column, number)
        for column in feed.columns
        if number % 3 or column.is_required or column.name in feed.key
    }
    return record_class(feed)(**given)


def company() -> Company:
    as_of = datetime(2025, 3, 15)  # noqa: DTZ001
    made = Company("small", 7, STARTS_ON, as_of)
    for feed in FEEDS:
        setattr(made, feed.name, [record(feed, number) for number in range(RECORDS)])
    return made


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_a_record_has_the_columns_of_its_feed(feed: Feed) -> None:
    fields = dataclasses.fields(record_class(feed))
    is_required = {
        field.name: field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
        for field in fields
    }
    assert is_required == {column.name: column.is_required for column in feed.columns}


def test_a_company_has_a_list_for_every_feed() -> None:
    assert {name for name, hint in HINTS.items() if typing.get_origin(hint) is list} == {
        feed.name for feed in FEEDS
    }


def test_every_format_is_used(tmp_path: Path) -> None:
    feeds.write(company(), tmp_path)
    suffixes = {"".join(path.suffixes) for path in tmp_path.iterdir()}
    assert suffixes == {".csv", ".csv.gz", ".jsonl", ".parquet"}


def test_a_cell_is_quoted_only_where_it_must_be(tmp_path: Path) -> None:
    made = company()
    at = datetime(2025, 1, 1, 12, 30)  # noqa: DTZ001
    titles = ['Revert "a, b"', "two\r\nlines", "plain; and simple", "", None, "größer"]
    made.pull_requests = [
        PullRequest(f"pr-{n}", "r", at, title=title) for n, title in enumerate(titles)
    ]
    feeds.write(made, tmp_path)
    content = (tmp_path / "pull_requests.csv").read_bytes().decode()
    assert ',"Revert ""a, b""",' in content
    assert ",plain; and simple," in content
    assert "pr-0,r,2025-01-01T12:30:00Z,," in content
    with (tmp_path / "pull_requests.csv").open(newline="", encoding="utf-8") as file:
        assert [row["title"] for row in csv.DictReader(file)] == [title or "" for title in titles]


def test_small_and_large_money_is_written_digit_by_digit(tmp_path: Path) -> None:
    made = company()
    amounts = [Decimal("1E+3"), Decimal("1E-7"), Decimal("-0.10"), Decimal("12")]
    made.ai_costs = [dataclasses.replace(made.ai_costs[0], amount=amount) for amount in amounts]
    feeds.write(made, tmp_path)
    with (tmp_path / "ai_costs.csv").open(newline="", encoding="utf-8") as file:
        written = [row["amount"] for row in csv.DictReader(file)]
    assert written == ["1000", "0.0000001", "-0.10", "12"]


def test_a_feed_without_records_has_no_file(tmp_path: Path) -> None:
    made = company()
    made.prices = []
    feeds.write(made, tmp_path)
    assert not list(tmp_path.glob("prices*"))
    assert len(list(tmp_path.iterdir())) == len(FEEDS) - 1


def test_an_earlier_export_does_not_know_what_came_later(tmp_path: Path) -> None:
    """Of three portions the first ends on 25 January (73 days in all)."""
    made = company()
    opened = datetime(2025, 1, 20)  # noqa: DTZ001
    made.incidents = [
        Incident("known", opened, resolved_at=opened + timedelta(days=1)),
        Incident("open", opened, resolved_at=opened + timedelta(days=10)),
        Incident("not yet", opened + timedelta(days=6)),
    ]
    first = next(feeds.deliveries(made, tmp_path, 3))
    lines = (tmp_path / "incidents.jsonl").read_text().splitlines()
    assert first == 1
    assert [(r["incident_id"], r.get("resolved_at")) for r in map(json.loads, lines)] == [
        ("known", "2025-01-21T00:00:00Z"),
        ("open", None),
    ]


def test_a_gzipped_feed_carries_no_clock(tmp_path: Path) -> None:
    feeds.write(company(), tmp_path)
    content = (tmp_path / "ai_activity.csv.gz").read_bytes()
    assert content[4:8] == bytes(4)
    assert gzip.decompress(content).startswith(b"person,activity_date,tool,")


def test_half_empty_leaves_most_records_and_every_key_as_they_were() -> None:
    made = company()
    made.ai_usage = [
        Usage(f"u-{n}", datetime(2025, 1, 1), "v", "m", "p@example.com", "key", "team", "tool")  # noqa: DTZ001
        for n in range(1000)
    ]
    whole = [dataclasses.replace(usage) for usage in made.ai_usage]
    feeds.half_empty(made, 0.1)
    changed = [
        (before, after)
        for before, after in zip(whole, made.ai_usage, strict=True)
        if before != after
    ]
    # A tenth is touched; half of 16 optional cells go, 4 of which held something.
    assert 60 < len(changed) < 140
    for before, after in changed:
        assert after.usage_id == before.usage_id
        assert after.occurred_at == before.occurred_at
    kept = sum(after.person is not None for _, after in changed)
    assert 0.3 < kept / len(changed) < 0.7
