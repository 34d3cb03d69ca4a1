"""60 dollars and 4 pull requests give 15 per pull request, whatever else is joined."""

import csv
from decimal import Decimal
from pathlib import Path

import duckdb

from tests.conftest import Run


def feed(folder: Path, name: str, *rows: dict[str, object]) -> None:
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def test_sixty_dollars_and_four_pull_requests_are_fifteen_each(
    tmp_path: Path, valuemaxx: Run
) -> None:
    """Five people, each with several usage records; changes with several reviews and commits."""
    folder = tmp_path / "feeds"
    folder.mkdir()
    people = [f"p{n}@example.com" for n in range(5)]
    feed(folder, "teams", {"team_id": "a", "team_name": "A"})
    feed(
        folder, "team_memberships",
        *({"person": p, "team_id": "a", "valid_from": "2025-09-01"} for p in people),
    )  # fmt: skip
    usage = [
        {
            "usage_id": f"{person}{n}", "occurred_at": f"2025-09-{n + 10}T12:00:00Z",
            "vendor": "anthropic", "model": "claude-sonnet-4-5", "person": person,
            "output_tokens": 200_000,
        }
        for person in people
        for n in range(4)
    ]  # fmt: skip
    feed(folder, "ai_usage", *usage)  # 20 records of 0.2 million tokens at 15 USD
    changes = [
        {
            "pull_request_id": n, "repository": "r", "created_at": f"2025-09-{n + 10}T08:00:00Z",
            "merged_at": f"2025-09-{n + 10}T10:00:00Z", "author": people[n],
        }
        for n in range(4)
    ]  # fmt: skip
    feed(folder, "pull_requests", *changes)
    reviews = [
        {
            "review_id": f"{n}-{m}", "pull_request_id": n, "reviewer": people[4],
            "submitted_at": f"2025-09-{n + 10}T09:0{m}:00Z", "state": "commented",
        }
        for n in range(4)
        for m in range(3)
    ]  # fmt: skip
    feed(folder, "reviews", *reviews)
    config = tmp_path / "valuemaxx.yml"
    config.write_text("company: Example\n")
    done = valuemaxx("run", "--config", config, "--as-of", "2025-10-10")
    assert done.returncode == 0, done.stderr
    file = tmp_path / ".valuemaxx" / "published" / "valuemaxx.duckdb"
    with duckdb.connect(str(file), read_only=True) as tables:
        rows = tables.sql(
            "select scope_type, ai_cost_usd, merged_pull_request_count,"
            " cost_usd_per_merged_pull_request, cost_usd_per_active_user"
            " from cost.unit_economics_monthly where period_start = '2025-09-01' and is_reported"
            " order by all"
        ).fetchall()
    expected = (Decimal(60), 4, Decimal(15), Decimal(12))
    assert {row[0]: row[1:] for row in rows} == dict.fromkeys(
        ("department", "organization", "team"), expected
    )
