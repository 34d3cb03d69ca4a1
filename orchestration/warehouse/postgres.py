"""PostgreSQL: the lake's batches are copied into ``lake_<system>`` schemas, dbt builds in
``work_*`` schemas, and what passed is copied into the public schemas in one transaction."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import psycopg2
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from orchestration.lake import PLUMBING, Lake, Stream
from orchestration.warehouse import PUBLISHED, Published, Table, WarehouseError
from orchestration.warehouse.duckdb import write_publication

COLUMN_TYPES = {
    "string": "text",
    "person": "text",
    "list": "text",
    "integer": "bigint",
    "decimal": "numeric(28, 9)",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
}
PLUMBING_TYPES = {"string": "text", "timestamp[us]": "timestamp", "bool": "boolean"}


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL database as the warehouse of one home."""

    home: Path
    host: str
    port: int
    user: str
    password: str
    database: str

    def load(self, streams: Sequence[Stream]) -> None:
        """Copies the batches that the database does not have yet, and drops those that the lake
        no longer has. One transaction per stream."""
        lake = Lake(self.home)
        with self._connected() as connection:
            for stream in streams:
                with connection, connection.cursor() as cursor:
                    self._load(cursor, lake, stream)

    def copy(self, tables: Sequence[Table], published: Published, target: Path) -> None:
        """Publishes into the public schemas, and as files into ``target`` like DuckDB does.

        A table whose columns stayed is refilled, so grants and views on it stay; a reader sees
        the old rows or the new.
        """
        with self._connected() as connection, connection, connection.cursor() as cursor:
            for table in tables:
                _publish(cursor, table)
            _publish_facts(cursor, published)
            self._write_files(cursor, tables, published, target)

    def reachable(self) -> None:
        """Raises WarehouseError if the database does not let us in."""
        with self._connected():
            pass

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            connection = psycopg2.connect(
                host=self.host,
                port=self.port,
                user=self.user,
                password=self.password,
                dbname=self.database,
                connect_timeout=10,
            )
        except psycopg2.OperationalError as error:
            raise WarehouseError(f"PostgreSQL: {' '.join(str(error).split())}") from None
        try:
            yield connection
        finally:
            connection.close()

    @staticmethod
    def _load(cursor: Cursor, lake: Lake, stream: Stream) -> None:
        table = sql.Identifier(f"lake_{stream.system}", stream.name)
        columns = {f.name: COLUMN_TYPES[f.type] for f in stream.fields}
        columns |= {f.name: PLUMBING_TYPES[str(f.type)] for f in PLUMBING}
        cursor.execute(
            sql.SQL("create schema if not exists {}").format(
                sql.Identifier(f"lake_{stream.system}")
            )
        )
        if _columns(cursor, f"lake_{stream.system}", stream.name) != list(columns):
            cursor.execute(sql.SQL("drop table if exists {} cascade").format(table))
            declared = sql.SQL(", ").join(
                sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))
                for name, kind in columns.items()
            )
            cursor.execute(sql.SQL("create table {} ({})").format(table, declared))
        cursor.execute(sql.SQL("select distinct _batch_id from {}").format(table))
        loaded = {row[0] for row in cursor.fetchall()}
        batches = {batch.batch_id: batch for batch in lake.batches(stream)}
        gone = list(loaded - set(batches))
        cursor.execute(sql.SQL("delete from {} where _batch_id = any(%s)").format(table), [gone])
        for batch_id in sorted(set(batches) - loaded):
            rows = pq.ParquetFile(batches[batch_id].path)
            for part in rows.iter_batches(batch_size=100_000):
                text = _as_csv(pa.table(part), list(columns))
                names = sql.SQL(", ").join(map(sql.Identifier, columns))
                cursor.copy_expert(
                    sql.SQL("copy {} ({}) from stdin (format csv)").format(table, names), text
                )

    @staticmethod
    def _write_files(
        cursor: Cursor, tables: Sequence[Table], published: Published, target: Path
    ) -> None:
        """The publication as files, through a DuckDB in memory."""
        with duckdb.connect() as files, TemporaryDirectory(dir=target) as folder:
            files.execute("attach ':memory:' as work")
            for table in tables:
                built = sql.Identifier(table.built_in, table.name)
                rows = Path(folder) / "rows.csv"
                with rows.open("wb") as copied:
                    cursor.copy_expert(
                        sql.SQL("copy {} to stdout (format csv, force_quote *)").format(built),
                        copied,
                    )
                columns = ", ".join(
                    f'"{column}" {kind}'
                    for column, kind in _typed_columns(cursor, table.built_in, table.name)
                )
                name = f'work."{table.built_in}"."{table.name}"'
                files.execute(f'create schema if not exists work."{table.built_in}"')
                files.execute(f"create table {name} ({columns})")
                files.execute(
                    f"copy {name} from '{rows}' (format csv, header false, quote '\"', "
                    "escape '\"', delimiter ',', allow_quoted_nulls false, auto_detect false)"
                )
            write_publication(files, "work", tables, published, target)


def _publish(cursor: Cursor, table: Table) -> None:
    public = sql.Identifier(table.schema, table.name)
    built = sql.Identifier(table.built_in, table.name)
    cursor.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(table.schema)))
    if _typed_columns(cursor, table.schema, table.name) == _typed_columns(
        cursor, table.built_in, table.name
    ):
        cursor.execute(sql.SQL("truncate {}").format(public))
        cursor.execute(sql.SQL("insert into {} select * from {}").format(public, built))
    else:
        cursor.execute(sql.SQL("drop table if exists {} cascade").format(public))
        cursor.execute(sql.SQL("create table {} as select * from {}").format(public, built))
    _comment(cursor, table)


def _publish_facts(cursor: Cursor, published: Published) -> None:
    public = sql.Identifier(PUBLISHED.schema, PUBLISHED.name)
    cursor.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier("ops")))
    cursor.execute(
        sql.SQL(
            "create table if not exists {} (published_at timestamp, as_of timestamp,"
            " version text, git_commit text, minimum_group_size bigint)"
        ).format(public)
    )
    cursor.execute(sql.SQL("truncate {}").format(public))
    cursor.execute(
        sql.SQL("insert into {} values (%s, %s, %s, %s, %s)").format(public), astuple(published)
    )
    _comment(cursor, PUBLISHED)


def _comment(cursor: Cursor, table: Table) -> None:
    name = sql.Identifier(table.schema, table.name)
    cursor.execute(sql.SQL("comment on table {} is %s").format(name), [table.description])
    for column, description in table.columns.items():
        target = sql.Identifier(table.schema, table.name, column)
        cursor.execute(sql.SQL("comment on column {} is %s").format(target), [description])


def _columns(cursor: Cursor, schema: str, name: str) -> list[str]:
    return [column for column, _ in _typed_columns(cursor, schema, name)]


def _typed_columns(cursor: Cursor, schema: str, name: str) -> list[tuple[str, str]]:
    """Columns in order with their types, which DuckDB reads as they are."""
    cursor.execute(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute"
        " where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum",
        [f'"{schema}"."{name}"'],
    )
    return [
        (column, kind.replace("without time zone", "").strip())
        for column, kind in cursor.fetchall()
    ]


def _as_csv(rows: pa.Table, columns: Sequence[str]) -> io.BytesIO:
    """Rows as CSV for COPY: null is nothing, an empty text is ``""``."""
    arrays = []
    for name in columns:
        column = rows[name] if name in rows.column_names else pa.nulls(rows.num_rows, pa.string())
        arrays.append(pc.cast(column, pa.string()))
    text = io.BytesIO()
    pyarrow.csv.write_csv(
        pa.table(arrays, names=list(columns)),
        text,
        pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed"),
    )
    text.seek(0)
    return text
