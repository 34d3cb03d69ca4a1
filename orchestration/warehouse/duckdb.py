"""DuckDB: dbt builds in ``<home>/work.duckdb``; a publication is a new file and its Parquet."""

import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import duckdb

from orchestration.lake import Stream
from orchestration.warehouse import PUBLISHED, Published, Table, WarehouseError

LOCK_SECONDS = 60


@dataclass(frozen=True)
class DuckDB:
    """The embedded warehouse of one home."""

    home: Path

    @property
    def path(self) -> Path:
        """The working file. No reader opens it: DuckDB would lock the next run out."""
        return self.home / "work.duckdb"

    def load(self, streams: Sequence[Stream]) -> None:
        """Nothing to load: dbt's sources read the lake's Parquet itself. A working file that is
        no longer a database (a machine that lost power) is dropped: all of it is built anew."""
        try:
            self._wait_for_lock()
        except duckdb.IOException as error:
            if "lock" in str(error).lower():
                raise WarehouseError(
                    f"{self.path} is open in another program; close it and run again"
                ) from None
            self._drop()
        except (duckdb.SerializationException, duckdb.InternalException):
            self._drop()

    def reachable(self) -> None:
        """Raises WarehouseError if another program holds the working file open."""
        if self.path.exists():
            try:
                duckdb.connect(str(self.path), read_only=True).close()
            except duckdb.Error as error:
                raise WarehouseError(" ".join(str(error).split())) from None

    def _wait_for_lock(self) -> None:
        """A killed run's dbt may still be at work for some seconds: it ends by itself."""
        for attempt in range(LOCK_SECONDS):
            try:
                duckdb.connect(str(self.path)).close()
                return
            except duckdb.IOException as error:
                if "lock" not in str(error).lower() or attempt == LOCK_SECONDS - 1:
                    raise
                time.sleep(1)

    def _drop(self) -> None:
        for path in (self.path, self.path.with_name(self.path.name + ".wal")):
            path.unlink(missing_ok=True)

    def copy(self, tables: Sequence[Table], published: Published, target: Path) -> None:
        """Writes ``target/valuemaxx.duckdb`` and ``target/parquet/<schema>/<table>.parquet``.

        The file is in the format of DuckDB 1.0, which every client since then opens. Rows are
        sorted, so that the same answer is the same file.
        """
        with duckdb.connect() as connection:
            connection.execute(f"attach {_text(self.path)} as work (read_only)")
            write_publication(connection, "work", tables, published, target)


def write_publication(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    tables: Sequence[Table],
    published: Published,
    target: Path,
) -> None:
    """Writes a publication's DuckDB file and Parquet out of the attached database ``source``."""
    connection.execute(
        f"attach {_text(target / 'valuemaxx.duckdb')} as published (storage_version 'v1.0.0')"
    )
    for table in tables:
        built = f'{source}."{table.built_in}"."{table.name}"'
        _create(connection, table, f"from {built} order by all", target)  # noqa: S608
    row = ", ".join(
        f"{_text(value) if value is not None else 'null'} as {name}"
        for name, value in zip(PUBLISHED.columns, astuple(published), strict=True)
    )
    typed = "cast(published_at as timestamp), as_of: cast(as_of as timestamp)"
    select = (
        f"select published_at: {typed}, version, git_commit, "  # noqa: S608
        f"minimum_group_size: cast(minimum_group_size as bigint) from (select {row})"
    )
    _create(connection, PUBLISHED, select, target)
    connection.execute("detach published")


def _create(connection: duckdb.DuckDBPyConnection, table: Table, query: str, target: Path) -> None:
    name = f'published."{table.schema}"."{table.name}"'
    connection.execute(f'create schema if not exists published."{table.schema}"')
    connection.execute(f"create table {name} as {query}")
    connection.execute(f"comment on table {name} is {_text(table.description)}")
    for column, description in table.columns.items():
        connection.execute(f'comment on column {name}."{column}" is {_text(description)}')
    parquet = target / "parquet" / table.schema / f"{table.name}.parquet"
    parquet.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(f"copy {name} to {_text(parquet)} (format parquet, compression zstd)")


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
