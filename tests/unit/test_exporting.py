"""Files of the published tables: whole or not at all, and never over something else."""

import csv
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from orchestration.exporting import ExportError, write_focus, write_parquet


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / "published"
    parquet = folder / "parquet" / "cost"
    parquet.mkdir(parents=True)
    with duckdb.connect(str(folder / "valuemaxx.duckdb")) as tables:
        tables.execute("""
            create schema cost;
            create table cost.focus_cost_and_usage as
            select
                'b' as "x_ChargeId",
                cast(12.345 as numeric(38, 12)) as "BilledCost",
                timestamp '2026-01-31 23:59:59' as "ChargePeriodEnd"
            union all
            select 'a', -1, timestamp '2026-01-01'
        """)
        tables.execute(f"copy cost.focus_cost_and_usage to '{parquet / 'focus.parquet'}'")
    return tmp_path / "home"


def test_focus_as_csv_has_iso_moments_and_exact_amounts(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "focus.csv"
    assert write_focus(home, target) == 2
    with target.open(newline="") as lines:
        first, second = csv.DictReader(lines)
    assert (first["x_ChargeId"], second["x_ChargeId"]) == ("a", "b")
    assert second["ChargePeriodEnd"] == "2026-01-31T23:59:59Z"
    assert Decimal(second["BilledCost"]) == Decimal("12.345")


def test_focus_as_parquet_keeps_its_kinds(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "focus.parquet"
    assert write_focus(home, target) == 2
    rows = duckdb.sql(f"select typeof(\"BilledCost\"), * from '{target}'").fetchall()
    assert [row[:2] for row in rows] == [("DECIMAL(38,12)", "a"), ("DECIMAL(38,12)", "b")]


def test_parquet_is_the_publications_tree(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "tables"
    assert write_parquet(home, target) == 1
    assert [p.relative_to(target) for p in target.rglob("*.*")] == [Path("cost/focus.parquet")]
    with pytest.raises(ExportError, match="exists; choose another name"):
        write_parquet(home, target)
    (target / "cost" / "old.parquet").touch()
    assert write_parquet(home, target, is_overwriting=True) == 1
    assert not (target / "cost" / "old.parquet").exists()


def test_a_folder_of_something_else_is_never_overwritten(home: Path, tmp_path: Path) -> None:
    mine = tmp_path / "reports"
    mine.mkdir()
    (mine / "plan.docx").write_text("mine")
    with pytest.raises(ExportError, match="holds more than an export"):
        write_parquet(home, mine, is_overwriting=True)
    (mine / "cost").mkdir()
    (mine / "plan.docx").rename(mine / "cost" / "plan.parquet")
    with pytest.raises(ExportError, match="is a folder; choose another name"):
        write_focus(home, mine, is_overwriting=True)
    assert (mine / "cost" / "plan.parquet").read_text() == "mine"
    file = tmp_path / "focus.csv"
    file.write_text("mine")
    with pytest.raises(ExportError, match="is a file; choose another name"):
        write_parquet(home, file, is_overwriting=True)
    assert file.read_text() == "mine"
    assert not list(tmp_path.glob(".*partial"))


def test_here_is_no_place_for_tables(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ExportError, match="holds more than an export"):
        write_parquet(home, Path(), is_overwriting=True)
    assert (tmp_path / "notes.txt").exists()


@pytest.mark.parametrize("kept", ["beside.parquet", "files/invoices/batch.parquet"])
def test_parquet_that_is_no_publication_is_never_overwritten(
    home: Path, tmp_path: Path, kept: str
) -> None:
    """A lake, say."""
    folder = tmp_path / "lake"
    (folder / kept).parent.mkdir(parents=True)
    (folder / kept).write_text("mine")
    with pytest.raises(ExportError, match="holds more than an export"):
        write_parquet(home, folder, is_overwriting=True)
    assert (folder / kept).read_text() == "mine"
