"""Files of the published tables, for finance and for tools without a database driver.

Every file is written under another name and renamed: it is there whole or not at all.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

FOCUS_TABLE = "cost.focus_cost_and_usage"
DATABASE = "valuemaxx.duckdb"


class ExportError(Exception):
    """What cannot be exported, in one line with the fix."""


def write_focus(home: Path, target: Path, *, is_overwriting: bool = False) -> int:
    """Writes the charges as FOCUS 1.2 names them, as Parquet if the file's name ends so, else as
    CSV with moments in ISO 8601. Returns the number of rows."""
    with published(home) as tables, whole(target, is_overwriting) as partial:
        rows = f"from {FOCUS_TABLE} order by x_ChargeId"
        if target.suffix == ".parquet":
            query, form = rows, "format parquet, compression zstd"
        else:
            query = f"select * replace ({', '.join(_moments(tables))}) {rows}"
            form = "format csv, header true"
        tables.execute(f"copy ({query}) to '{_escaped(partial)}' ({form})")
        count: int = tables.sql(f"select count(*) from {FOCUS_TABLE}").fetchall()[0][0]  # noqa: S608
        return count


def write_parquet(home: Path, folder: Path, *, is_overwriting: bool = False) -> int:
    """Copies the Parquet files of the publication: ``folder/<schema>/<table>.parquet``. Returns
    how many there are."""
    with published(home), whole(folder, is_overwriting) as partial:
        # The link moves on when a run publishes: what it names now stays whole.
        shutil.copytree((home / "published").resolve() / "parquet", partial)
        return sum(1 for _ in partial.rglob("*.parquet"))


def _moments(tables: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """The columns that are moments, as the standard writes them."""
    described = tables.sql(f"describe {FOCUS_TABLE}").fetchall()
    for name in (row[0] for row in described if row[1] == "TIMESTAMP"):
        yield f'strftime("{name}", \'%Y-%m-%dT%H:%M:%SZ\') as "{name}"'


@contextmanager
def published(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The publication's database, which stays the same one while it is read."""
    database = (home / "published" / DATABASE).resolve()
    if not database.exists():
        raise ExportError(f"nothing is published in {home} yet; `valuemaxx run` publishes")
    with duckdb.connect(str(database), read_only=True) as connection:
        yield connection


@contextmanager
def whole(target: Path, is_overwriting: bool) -> Iterator[Path]:
    """Where to write, beside ``target``; afterwards it is ``target``, or gone. A folder is only
    overwritten with a folder, and where it holds nothing but ``<schema>/<table>.parquet``: the
    lake is Parquet, too, and all the state there is."""
    target = target.absolute()
    if target.exists() and not is_overwriting:
        raise ExportError(f"{target} exists; choose another name, or --overwrite")
    if target.is_dir() and not _is_export(target):
        raise ExportError(f"{target} holds more than an export; choose another name")
    if not target.parent.is_dir():
        raise ExportError(f"{target.parent}: no such folder; make it first")
    partial = target.with_name(f".{target.name}.partial")
    _remove(partial)
    try:
        yield partial
        if target.exists() and target.is_dir() != partial.is_dir():
            raise ExportError(f"{target} is a {_kind(target)}; choose another name")
        if target.is_dir():
            shutil.rmtree(target)
        partial.replace(target)
    except (PermissionError, duckdb.IOException) as error:
        said = " ".join(str(error).split())
        raise ExportError(f"{target} cannot be written: {said}") from None
    finally:
        _remove(partial)


def _is_export(folder: Path) -> bool:
    files = (path for path in folder.rglob("*") if not path.is_dir())
    return all(p.suffix == ".parquet" and p.parent.parent == folder for p in files)


def _kind(path: Path) -> str:
    return "folder" if path.is_dir() else "file"


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")
