"""`valuemaxx run` as a stranger sees it: from feeds to published tables, and what happens when
something is wrong."""

import csv
import re
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from orchestration.lake import Lake
from orchestration.systems.files import FEEDS
from tests.conftest import AS_OF, ROOT, Run, published

PERSON = re.compile(r"person_[0-9a-f]{32}|[\w.+-]+@[\w-]+\.\w+")
PERSON_KEY = re.compile(rb"person_(id|[0-9a-f]{32})")  # hours_per_person_week is nobody


def home_of(config: Path) -> Path:
    return config.parent / ".valuemaxx"


def test_what_is_published_can_be_counted_in_the_feeds(company: Path) -> None:
    feeds = company.parent / "feeds"
    deployments = list(csv.DictReader((feeds / "deployments.csv").open()))
    succeeded = [d for d in deployments if d["status"] == "success"]
    merged = list(csv.DictReader((feeds / "pull_requests.csv").open()))
    tables = published(home_of(company))
    assert len(tables["dora", "fct_deployments"]) == len(succeeded)
    assert len(tables["dora", "fct_changes"]) == len(merged)


def test_ai_cost_equals_tokens_times_list_price_added_by_hand(company: Path) -> None:
    """One month, one model, straight from the raw rows: claude-sonnet-4-5 in March 2026 at $3.00
    input, $0.30 cache read, $3.75 five-minute cache write and $15.00 output per million."""
    from decimal import Decimal

    per_million = {
        "uncached_input_tokens": Decimal("3.00"),
        "cache_read_tokens": Decimal("0.30"),
        "cache_write_5m_tokens": Decimal("3.75"),
        "output_tokens": Decimal("15.00"),
    }
    expected = Decimal(0)
    for row in csv.DictReader((company.parent / "feeds" / "ai_usage.csv").open()):
        is_counted = row["model"] == "claude-sonnet-4-5" and row["is_batch"] != "true"
        if is_counted and row["occurred_at"].startswith("2026-03"):
            for column, price in per_million.items():
                expected += Decimal(row[column] or 0) * price / 1_000_000
    file = home_of(company) / "published" / "valuemaxx.duckdb"
    with duckdb.connect(str(file), read_only=True) as tables:
        (found,) = tables.execute(
            "select sum(metered_cost_usd) from cost.ai_cost_daily where model ="
            " 'claude-sonnet-4-5' and not is_batch and date_trunc('month', usage_date) ="
            " date '2026-03-01'"
        ).fetchall()[0]
    assert expected > 0
    assert found == expected


def test_no_person_is_in_anything_published(company: Path) -> None:
    texts = 0
    for name, rows in published(home_of(company)).items():
        for row in rows:
            for value in row:
                if isinstance(value, str):
                    texts += 1
                    assert not PERSON.search(value), f"{name}: {value}"
    assert texts > 1000
    people = {r["person"] for r in csv.DictReader((company.parent / "feeds/ai_usage.csv").open())}
    for path in (home_of(company) / "published").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not PERSON_KEY.search(content), path
            assert not any(p and p.encode() in content for p in people), path


def test_no_person_is_in_the_lake_or_the_quarantine(company: Path) -> None:
    people = {
        row["person"]
        for row in csv.DictReader((company.parent / "feeds" / "team_memberships.csv").open())
    }
    files = [p for folder in ("lake", "quarantine") for p in (home_of(company) / folder).rglob("*")]
    assert any(path.suffix == ".parquet" for path in files)
    with duckdb.connect() as reader:
        for path in files:
            if path.suffix == ".parquet":
                rows = reader.execute("select * from read_parquet(?)", [str(path)]).fetchall()
                assert not people & {value for row in rows for value in row}


def test_the_same_run_again_gives_the_same_tables(company: Path, valuemaxx: Run) -> None:
    before = published(home_of(company))
    batches = sorted((home_of(company) / "lake").rglob("*.parquet"))
    done = valuemaxx("run", "--config", company, "--as-of", AS_OF)
    assert done.returncode == 0, done.stderr
    assert published(home_of(company)) == before
    assert sorted((home_of(company) / "lake").rglob("*.parquet")) == batches


@pytest.mark.slow
def test_a_full_refresh_gives_the_same_tables(company: Path, valuemaxx: Run) -> None:
    before = published(home_of(company))
    done = valuemaxx("run", "--config", company, "--as-of", AS_OF, "--full-refresh")
    assert done.returncode == 0, done.stderr
    assert published(home_of(company)) == before


def test_a_failed_test_leaves_the_publication_as_it_was(company: Path, valuemaxx: Run) -> None:
    home = home_of(company)
    before = (home / "published").resolve(), published(home)
    # Past the door, which would have refused it: a deployment of no service.
    stream = next(feed.stream for feed in FEEDS if feed.name == "deployments")
    row = {
        "deployment_id": "dep-x",
        "environment": "production",
        "status": "success",
        "finished_at": datetime(2026, 3, 1, 12),  # noqa: DTZ001
    }
    with Lake(home).writing(stream, "smuggled.csv") as batch:
        batch.append(pa.Table.from_pylist([row], stream.schema))
    try:
        done = valuemaxx("run", "--config", company, "--as-of", AS_OF)
    finally:
        for smuggled in Lake(home).folder(stream).glob("smuggled*"):
            smuggled.unlink()
    assert done.returncode == 1
    assert "grain_core_services" in done.stderr
    assert ".sql" in done.stderr
    assert "Traceback" not in done.stderr
    assert ((home / "published").resolve(), published(home)) == before


def severity_of(home: Path, incident: str) -> str:
    with duckdb.connect(str(home / "published" / "valuemaxx.duckdb"), read_only=True) as tables:
        query = "select severity from dora.fct_incidents where incident_id = 'files:' || $1"
        return str(tables.execute(query, [incident]).fetchall()[0][0])


def test_what_becomes_of_a_refused_row_an_edited_feed_and_a_removed_one(
    example: Callable[..., Path], valuemaxx: Run
) -> None:
    config = example()
    feeds, home = config.parent / "feeds", home_of(config)
    run = ("run", "--config", config, "--as-of", AS_OF)
    good = (feeds / "incidents.csv").read_text()
    bad = "inc-bad,runtime-jobs,high,2026-05-05T10:00:00Z,2026-05-05T09:00:00Z,\n"
    (feeds / "incidents.csv").write_text(good + bad)
    header, first, *_ = good.splitlines()
    assert ",high," in first
    correction = f"{header}\n{first.replace(',high,', ',corrected,')}\n"
    (feeds / "incidents-correction.csv").write_text(correction)
    done = valuemaxx(*run)
    assert done.returncode == 0, done.stderr
    assert "resolved_at is before opened_at" in done.stderr
    assert "incidents.csv" in done.stderr
    all_incidents = len(published(home)["dora", "fct_incidents"])
    assert all_incidents == len(good.splitlines()) - 1
    assert severity_of(home, first.split(",")[0]) == "corrected"

    lines = good.splitlines(keepends=True)
    (feeds / "incidents.csv").write_text("".join(lines[:-1]))
    (feeds / "deployments.csv").rename(config.parent / "deployments.csv")
    done = valuemaxx(*run)
    assert done.returncode == 0, done.stderr
    assert "deployments.csv: missing" in done.stderr
    tables = published(home)
    # Still, though incidents.csv is now the newer batch: its name sorts before the correction's.
    assert severity_of(home, first.split(",")[0]) == "corrected"
    assert len(tables["dora", "fct_incidents"]) == all_incidents - 1
    assert tables["dora", "fct_deployments"]

    done = valuemaxx(*run, "--forget-missing")
    assert done.returncode == 0, done.stderr
    assert not published(home)["dora", "fct_deployments"]


def test_two_runs_at_once_the_second_says_who_is_at_work(company: Path, valuemaxx: Run) -> None:
    import fcntl

    with (home_of(company) / "run.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate(0)
        lock.write("4242")
        lock.flush()
        done = valuemaxx("run", "--config", company)
    assert done.returncode == 1
    assert "another run (process 4242) is at work" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "values", "expected"),
    [
        (("run", "--config", "nowhere.yml"), {}, "nowhere.yml: no such file"),
        (("run",), {"VALUEMAXX_IDENTITY_SALT": ""}, "VALUEMAXX_IDENTITY_SALT is not set"),
        (("run", "--as-of", "soon"), {}, "write YYYY-MM-DD"),
        (("run", "--select", "gitlab"), {}, "not an enabled system"),
        (("run", "--home", "/proc/nowhere"), {}, "/proc"),
        (("fly",), {}, "No such command"),
    ],
)
def test_a_mistake_is_one_line_and_no_traceback(
    arguments: tuple[str, ...], values: dict[str, str], expected: str, valuemaxx: Run
) -> None:
    done = valuemaxx(*arguments, **values)
    assert done.returncode != 0
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


def test_doctor_and_status_speak_of_the_company(company: Path, valuemaxx: Run) -> None:
    import json

    done = valuemaxx("doctor", "--config", company, "--json")
    checks = json.loads(done.stdout)
    assert done.returncode == 0, checks
    assert {"git", "dbt", "configuration", "identity salt", "home", "warehouse"} <= {
        check["name"] for check in checks
    }
    facts = json.loads(valuemaxx("status", "--config", company, "--json").stdout)
    landed = {s["stream"]: s["rows_landed"] for s in facts["streams"]}
    with (company.parent / "feeds" / "teams.csv").open() as feed:
        assert landed["teams"] == len(list(csv.DictReader(feed)))
    assert facts["published_at"] is not None


def test_doctor_fails_with_the_fix_where_something_is_missing(
    tmp_path: Path, valuemaxx: Run
) -> None:
    config = tmp_path / "valuemaxx.yml"
    config.write_text("systems: {files: {folder: nowhere}}\n")
    done = valuemaxx("doctor", "--config", config, VALUEMAXX_IDENTITY_SALT="")
    assert done.returncode == 1
    assert "nowhere" in done.stdout
    assert "VALUEMAXX_IDENTITY_SALT is not set" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_an_empty_company_publishes_empty_tables(tmp_path: Path, valuemaxx: Run) -> None:
    (tmp_path / "feeds").mkdir()
    config = tmp_path / "valuemaxx.yml"
    config.write_text("company: Nobody yet\n")
    done = valuemaxx("run", "--config", config)
    assert done.returncode == 0, done.stderr
    tables = published(home_of(config))
    assert tables["dora", "fct_deployments"] == []
    assert tables["dora", "dora_quarterly"]


def test_the_publication_is_one_file_and_the_same_in_parquet(company: Path) -> None:
    folder = home_of(company) / "published"
    with duckdb.connect(str(folder / "valuemaxx.duckdb"), read_only=True) as tables:
        names = tables.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        assert len(names) > 10
        for schema, name in names:
            path = folder / "parquet" / schema / f"{name}.parquet"
            differing = tables.execute(
                f"(from {schema}.{name} except all from read_parquet('{path}')) union all "
                f"(from read_parquet('{path}') except all from {schema}.{name})"
            ).fetchall()
            assert differing == []
        comments = tables.execute(
            "select count(*) from duckdb_columns() where comment is null and internal = false"
        ).fetchall()
        assert comments == [(0,)], "a published column without a description"


def test_dbt_build_alone_works_in_the_checkout(tmp_path: Path) -> None:
    import subprocess
    import sys

    from tests.conftest import environment

    done = subprocess.run(
        [
            Path(sys.executable).with_name("dbt"), "build", "--quiet",
            "--target-path", tmp_path / "target", "--log-path", tmp_path / "logs",
        ],
        cwd=ROOT,
        env=environment(VALUEMAXX_HOME=str(tmp_path / "home")),
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    shutil.rmtree(tmp_path / "target")
