"""Whether what was published is the truth: every row and every column of every table."""

import math
from decimal import Decimal
from pathlib import Path

import duckdb

from orchestration.simulation.truth import KEYS, Truth, key_of
from orchestration.simulation.truth.directory import Row

TOLERANCE = 1e-9  # of floating point, relative: medians, means and ratios
CHANGE_TOLERANCE = 1e-12  # absolute: of two that are equal but for their last bit, the change is 0
HOURS_TOLERANCE = 6e-7  # hours, absolute: dora_* shows hours to 6 decimals
LINES_PER_TABLE = 20


def differences(truth: Truth, published: Path) -> list[str]:
    """What differs, a line each, at most so many a table and then their number; [] = nothing."""
    found = []
    with duckdb.connect(str(published), read_only=True) as tables:
        for name in sorted(KEYS):
            differing = _differing(name, truth.get(name, []), _rows(tables, name))
            found += differing[:LINES_PER_TABLE]
            if len(differing) > LINES_PER_TABLE:
                found.append(f"{name}: {len(differing):,} differences in all")
    return found


def _rows(tables: duckdb.DuckDBPyConnection, name: str) -> list[Row]:
    schema, table = name.split(".")
    columns = tables.execute(
        "select column_name from duckdb_columns() where schema_name = ? and table_name = ?"
        " order by column_index",
        [schema, table],
    ).fetchall()
    if not columns:
        return []
    names = [column for (column,) in columns]
    listed = ", ".join(f'"{column}"' for column in names)
    rows = tables.execute(f'select {listed} from "{schema}"."{table}"').fetchall()  # noqa: S608
    return [dict(zip(names, row, strict=True)) for row in rows]


def _differing(name: str, expected: list[Row], published: list[Row]) -> list[str]:
    found = []
    rows = {key_of(name, row): row for row in published}
    if len(rows) < len(published):
        found.append(f"{name}: {len(published) - len(rows):,} rows have a key twice")
    for row in expected:
        key = key_of(name, row)
        other = rows.pop(key, None)
        label = f"{name} {'/'.join(key)}"
        if other is None:
            found.append(f"{label}: is missing")
            continue
        for column in row.keys() | other.keys():
            if column not in row or column not in other:
                where = "published" if column in other else "true"
                found.append(f"{label}: {column} is only in the {where} table")
            elif not _same(column, row[column], other[column]):
                found.append(f"{label}: {column} is {other[column]!r}, true is {row[column]!r}")
    return found + [f"{name} {'/'.join(key)}: is too many" for key in rows]


def _same(column: str, expected: object, published: object) -> bool:
    if isinstance(expected, float) and isinstance(published, (int, float)):
        absolute = HOURS_TOLERANCE if column.endswith("_hours") else 0.0
        absolute = CHANGE_TOLERANCE if column.endswith("_change") else absolute
        return math.isclose(expected, published, rel_tol=TOLERANCE, abs_tol=absolute)
    if isinstance(published, float) and isinstance(expected, int):
        return expected == published
    if isinstance(published, Decimal) and isinstance(expected, (Decimal, int)):
        return expected == published
    return type(expected) is type(published) and expected == published
