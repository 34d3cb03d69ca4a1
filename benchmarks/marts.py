"""The DORA models beside the same answer written by hand, over a simulated company of many teams.

Run: ``python benchmarks/marts.py [--teams N] [--home DIR]``. Writes the reference company of so
many teams as a lake (400 are a tenth of the scale that we build for; ``--home`` takes one that is
there), builds everything that the three ``dora_*`` tables need with dbt, then runs
``dora_by_hand.sql`` in the same process over the same files. Prints seconds and processor seconds
of both, their ratio, and each column in which the two answers differ (none should).
"""

import argparse
import os
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from orchestration.settings import ROOT
from orchestration.simulation import reference
from orchestration.simulation.worlds import STARTS_ON, month_after

FEEDS = (
    "teams", "team_memberships", "services", "deployments", "deployment_commits", "pull_requests",
    "pull_request_commits", "commits", "reviews", "incidents", "issues",
)  # fmt: skip
PLUMBING = "_scope, _window_start, _window_end, _batch_id, _extracted_at, _is_deleted"
TABLES = {"week": "dora_weekly", "month": "dora_monthly", "quarter": "dora_quarterly"}
ANSWERS = ("dora_deployments", "dora_changes")
KEY = ("kind", "start", "scope_type", "scope_id")
MONTHS = 24
TOLERANCE = 1e-5  # relative: medians and means of floating point


def main() -> None:
    """Prints a line for each way and one for each difference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--teams", type=int, default=400)
    parser.add_argument("--home", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = given.home or Path(folder)
        if given.home is None:
            reference.write(home, teams=given.teams, months=MONTHS, seed=1)
        as_of = month_after(STARTS_ON, MONTHS)
        models = _built(home, as_of)
        with duckdb.connect(config={"threads": 2}) as connection:
            by_hand = _written_by_hand(connection, home, as_of)
            _tell("models", models)
            _tell("by hand", by_hand)
            ratios = [ours / theirs for ours, theirs in zip(models, by_hand, strict=True)]
            sys.stdout.write(f"ratio {ratios[0]:.1f} (of processor {ratios[1]:.1f})\n")
            connection.execute(f"attach '{home / 'work.duckdb'}' as work (read_only)")
            differences = _differences(connection)
            for line in differences:
                sys.stdout.write(f"differs: {line}\n")
            if differences:
                sys.exit(1)


def _built(home: Path, as_of: date) -> tuple[float, float]:
    """Seconds and processor seconds of the models, without dbt's parsing."""
    os.environ |= {
        "VALUEMAXX_HOME": str(home),
        "VALUEMAXX_AS_OF": f"{as_of} 00:00:00",
        "VALUEMAXX_SYSTEMS": "files git",
        "DBT_TARGET_PATH": str(home / "dbt"),
    }
    places = ["--project-dir", str(ROOT), "--profiles-dir", str(ROOT), "--quiet"]
    for verb in ("parse", "seed"):
        assert dbtRunner().invoke([verb, *places]).success
    started, before = time.perf_counter(), time.process_time()
    wanted = [f"+{table}" for table in TABLES.values()]
    assert dbtRunner().invoke(["run", *places, "--select", *wanted]).success
    measured = time.perf_counter() - started, time.process_time() - before
    DuckDBConnectionManager.close_all_connections()  # dbt keeps the file open
    return measured


def _written_by_hand(
    connection: duckdb.DuckDBPyConnection, home: Path, as_of: date
) -> tuple[float, float]:
    connection.execute("set preserve_insertion_order = false; set TimeZone = 'UTC'")
    for feed in FEEDS:
        files = home / "lake" / "files" / feed / "*.parquet"
        connection.execute(
            f"create temp view {feed} as select * exclude ({PLUMBING})"
            f" from read_parquet('{files}', union_by_name = true)"
        )
    script = Path(__file__).with_name("dora_by_hand.sql").read_text(encoding="utf-8")
    script = script.replace("$as_of", f"timestamp '{as_of:%Y-%m-%d}'")
    started, before = time.perf_counter(), time.process_time()
    connection.execute(script)
    return time.perf_counter() - started, time.process_time() - before


def _differences(connection: duckdb.DuckDBPyConnection) -> list[str]:
    found = []
    for answer in ANSWERS:
        described = connection.execute(f"describe {answer}").fetchall()
        columns = [row[0] for row in described if row[0] not in KEY]
        for kind, table in TABLES.items():
            for column in columns:
                ours, theirs = f"coalesce(ours.{column}, 0)", f"coalesce(theirs.{column}, 0)"
                (count,) = connection.execute(
                    f"""
                    select count(*)
                    from (select * from {answer} where kind = $1 and scope_id is not null) as theirs
                    full join work.work_dora.{table} as ours
                        on ours.period_start = theirs.start
                        and ours.scope_type = theirs.scope_type and ours.scope_id = theirs.scope_id
                    where abs({ours} - {theirs}) > {TOLERANCE} * (1 + abs({ours}))
                    """,
                    [kind],
                ).fetchall()[0]
                if count:
                    found.append(f"{table}.{column} in {count:,} rows")
    return found


def _tell(name: str, measured: tuple[float, float]) -> None:
    seconds, processor = measured
    sys.stdout.write(f"{name}: {seconds:.1f} s ({processor:.1f} of processor)\n")


if __name__ == "__main__":
    main()
