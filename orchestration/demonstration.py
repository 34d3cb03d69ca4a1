"""`valuemaxx demo`: the example feeds and this repository's own history, run and shown."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import yaml
from rich.table import Table

from orchestration import running, settings
from orchestration.settings import ROOT

FEEDS = ROOT / "examples" / "feeds"
# The example people are nobody, so this salt keeps nothing secret. A real run wants its own.
DEMO_SALT = "the demonstration hides nobody"

DELIVERY = """
    select
        strftime(period_start, '%Y-%m'), deployment_count, change_count,
        round(median_change_lead_time_hours, 1), round(100 * change_fail_rate, 1),
        round(median_failed_deployment_recovery_hours, 1)
    from dora.dora_quarterly
    where scope_type = 'organization' and change_count + deployment_count > 0
    order by period_start
"""
COST = """
    select
        strftime(period_start, '%Y-%m'), round(ai_cost_usd, 2),
        merged_pull_request_count, round(cost_usd_per_merged_pull_request, 2),
        round(100 * cache_read_share, 1)
    from cost.unit_economics_quarterly
    where scope_type = 'organization' and ai_cost_usd > 0
    order by period_start
"""
QUALITY = """
    select
        strftime(period_start, '%Y-%m'), merged_pull_request_count,
        round(median_hours_to_first_review, 1), round(100 * unreviewed_merge_share, 1),
        opened_bug_count, incident_count
    from quality.quality_quarterly
    where scope_type = 'organization' and merged_pull_request_count > 0
    order by period_start
"""
QUERIES = (
    (
        "Which team's changes wait longest for production?",
        "select scope_name, period_start, median_change_lead_time_hours"
        " from dora.dora_quarterly where scope_type = 'team' order by 3 desc nulls last limit 5",
    ),
    (
        "What did each model cost in a month?",
        "select date_trunc('month', usage_date), model, sum(metered_cost_usd)"
        " from cost.ai_cost_daily group by all order by all",
    ),
    (
        "Which deployments failed, and how do we know?",
        "select deployment_id, finished_at, failure_link_method, recovery_seconds"
        " from dora.fct_deployments where is_failed order by finished_at",
    ),
)


def run(home: Path | None) -> Iterator[Table | str]:
    """Runs everything in ``home`` (default ``.valuemaxx``) and yields what to show."""
    where = (home or Path(".valuemaxx")).absolute()
    where.mkdir(parents=True, exist_ok=True)
    config = where / settings.CONFIG_NAME
    config.write_text(yaml.safe_dump(_configuration(), sort_keys=False), encoding="utf-8")
    settings.export({settings.SALT: DEMO_SALT})
    current = settings.load(config, where)
    published = running.run(current, running.Options()) / "valuemaxx.duckdb"
    with duckdb.connect(str(published), read_only=True) as tables:
        yield from _story(tables)
    yield f"\nThe tables: {published}\nTry, with any DuckDB client:"
    for question, query in QUERIES:
        yield f"  -- {question}\n  {query};"


def _configuration() -> dict[str, Any]:
    systems: dict[str, Any] = {"files": {"folder": str(FEEDS)}}
    if (ROOT / ".git").exists():
        branch = settings.git_branch()
        repository = {"path": str(ROOT), "name": "valuemaxx", "deployments": {"branch": branch}}
        systems["git"] = {"repositories": [repository]}
    return {"company": "Example Ltd", "systems": systems}


def _story(tables: duckdb.DuckDBPyConnection) -> Iterator[Table]:
    yield _table(
        tables, "What the AI cost, by quarter", COST,
        ("from", "USD", "merged changes", "USD per change", "input from cache %"),
    )  # fmt: skip
    yield _table(
        tables, "Did delivery get faster, did it break more (DORA)", DELIVERY,
        ("from", "deployments", "changes", "lead time h", "failed %", "recovery h"),
    )  # fmt: skip
    yield _table(
        tables, "And the quality", QUALITY,
        ("from", "merged", "h to first review", "unreviewed %", "bugs opened", "incidents"),
    )  # fmt: skip


def _table(
    tables: duckdb.DuckDBPyConnection, title: str, query: str, columns: Sequence[str]
) -> Table:
    shown = Table(title=title, title_justify="left")
    for column in columns:
        shown.add_column(column, justify="right")
    for row in tables.execute(query).fetchall():
        shown.add_row(*("–" if value is None else str(value) for value in row))
    return shown
