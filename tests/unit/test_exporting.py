"""An export that overwrites replaces an export, and never anything else."""

from pathlib import Path

import duckdb
import pytest

from orchestration.exporting import ExportError, write_focus, write_parquet


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    tables = folder / "published" / "parquet" / "cost"
    tables.mkdir(parents=True)
    (tables / "closed_months.parquet").write_bytes(b"new")
    with duckdb.connect(str(folder / "published" / "valuemaxx.duckdb")) as connection:
        connection.execute(
            "create schema cost; create table cost.focus_cost_and_usage as"
            " select timestamp '2025-09-01' as \"BillingPeriodStart\", 'i' as \"x_ChargeId\""
        )
    return folder


def test_an_export_replaces_the_one_before_it(home: Path, tmp_path: Path) -> None:
    folder, file = tmp_path / "export", tmp_path / "focus.csv"
    for is_overwriting in (False, True):
        assert write_parquet(home, folder, is_overwriting=is_overwriting) == 1
        assert write_focus(home, file, is_overwriting=is_overwriting) == 1
    assert (folder / "cost" / "closed_months.parquet").read_bytes() == b"new"
    assert file.read_text() == "BillingPeriodStart,x_ChargeId\n2025-09-01T00:00:00Z,i\n"
    with pytest.raises(ExportError, match="exists; choose another name, or --overwrite"):
        write_parquet(home, folder)


@pytest.mark.parametrize(
    "kept",
    ["notes.txt", "photos/one.jpg", "deep/er/still.parquet", "beside.parquet"],
)
def test_a_folder_that_holds_anything_else_is_not_overwritten(
    home: Path, tmp_path: Path, kept: str
) -> None:
    """The lake is Parquet files, too, and the only state there is."""
    folder = tmp_path / "documents"
    (folder / kept).parent.mkdir(parents=True)
    (folder / kept).write_text("mine")
    with pytest.raises(ExportError, match="is not of an export; choose another folder"):
        write_parquet(home, folder, is_overwriting=True)
    with pytest.raises(ExportError, match="is a folder; choose a file"):
        write_focus(home, folder, is_overwriting=True)
    assert (folder / kept).read_text() == "mine"


def test_a_file_does_not_become_a_folder(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "focus.csv"
    file.write_text("mine")
    with pytest.raises(ExportError, match="is a file; choose a folder"):
        write_parquet(home, file, is_overwriting=True)
    assert file.read_text() == "mine"
