"""PostgreSQL as the warehouse: every model and test runs there, and the marts are the same."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import AS_OF, Run, published

pytestmark = pytest.mark.postgres


def test_the_marts_on_postgres_equal_those_on_duckdb(
    company: Path, example: Callable[..., Path], valuemaxx: Run, postgres_server: str
) -> None:
    server = {"host": postgres_server, "user": "postgres", "database": "postgres"}
    on_postgres = example(warehouse="postgres", postgres=server)
    done = valuemaxx("run", "--config", on_postgres, "--as-of", AS_OF)
    assert done.returncode == 0, done.stderr
    expected = published(company.parent / ".valuemaxx")
    found = published(on_postgres.parent / ".valuemaxx")
    assert set(found) == set(expected)
    for name, rows in expected.items():
        differing = [
            (ours, theirs)
            for ours, theirs in zip(rows, found[name], strict=True)
            if not all(map(same, ours, theirs))
        ]
        assert differing == [], name
    public = postgres_rows(postgres_server, "select count(*) from dora.fct_deployments")
    assert public == [(len(expected["dora", "fct_deployments"]),)]


def same(ours: Any, theirs: Any) -> bool:
    """Equal; two floats may differ in the last bits, by the order of a sum."""
    if isinstance(ours, float) and isinstance(theirs, float):
        return math.isclose(ours, theirs, rel_tol=1e-12)
    return bool(ours == theirs)


def postgres_rows(host: str, query: str) -> list[tuple[Any, ...]]:
    import psycopg2

    connection = psycopg2.connect(host=host, user="postgres", dbname="postgres")
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())
    finally:
        connection.close()


def test_a_server_that_is_not_there_is_one_line(
    example: Callable[..., Path], valuemaxx: Run, tmp_path: Path
) -> None:
    config = example(warehouse="postgres", postgres={"host": str(tmp_path)})
    done = valuemaxx("run", "--config", config)
    assert done.returncode == 1
    assert "PostgreSQL" in done.stderr
    assert "Traceback" not in done.stderr
