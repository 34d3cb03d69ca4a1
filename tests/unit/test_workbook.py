"""The workbook as finance opens it: numbers are numbers, totals are formulas, nothing runs."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from orchestration import workbook
from orchestration.exporting import ExportError
from orchestration.workbook import QUESTIONS, write_workbook

TYPES = {
    "date_trunc": "usage_date date",
    "sum(list_cost_usd)": "list_cost_usd decimal(38, 12)",
    "sum(metered_cost_usd)": "metered_cost_usd decimal(38, 12)",
}


def declared(column: str) -> str:
    """A column of a published table, of the kind that its name says."""
    for start, text in TYPES.items():
        if column.startswith(start):
            return text
    if column.startswith(("is_", "has_")):
        return f"{column} boolean"
    if column.endswith(("_period", "_start")):
        return f"{column} date"
    if column.endswith(("_usd", "_share", "amount")) or "cost_usd" in column:
        return f"{column} decimal(38, 12)"
    return f"{column} bigint" if column.endswith("_count") else f"{column} text"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "published"
    folder.mkdir()
    with duckdb.connect(str(folder / "valuemaxx.duckdb")) as tables:
        tables.execute("create schema cost; create schema ops")
        tables.execute(
            "create table ops.published as select timestamp '2025-10-10' as published_at,"
            " timestamp '2025-10-01' as as_of"
        )
        for question in QUESTIONS:
            names = [declared(column) for column in question.columns]
            extra = {"where is_reported": "is_reported boolean", "vendor = 'all'": "vendor text"}
            names += [extra.get(question.where, "")] if question.where in extra else []
            names += ["is_reported boolean"] if question.where == "is_reported" else []
            names += [
                f"{name} text"
                for name in ("scope_id", "team_id", "finding_id")
                if name in question.order
            ]
            tables.execute(f"create table {question.table} ({', '.join(dict.fromkeys(names))})")
        tables.execute("""
            comment on table cost.cost_allocation_monthly is 'Who bears it';
            comment on column cost.cost_allocation_monthly.team_name is 'The name';
            insert into cost.cost_allocation_monthly by name
                select date '2025-09-01' as period_start, 'v' as vendor, 'i' as invoice_id,
                    'usage' as charge_category, name as team_name, amount as allocated_cost_usd,
                    false as is_tax
                from (values ('=cmd|calc!A1', 0.10), ('+1', 0.20), ('-1', null),
                    ('@x', 1000000000000))
                    as _(name, amount);
        """)
    return tmp_path


def opened(home: Path, *, values: bool = False) -> Any:
    write_workbook(home, home / "book.xlsx", is_overwriting=True)
    return openpyxl.load_workbook(home / "book.xlsx", data_only=values)


def test_a_sheet_per_question_and_the_sources_last(home: Path) -> None:
    book = opened(home)
    assert book.sheetnames == [*(question.title for question in QUESTIONS), workbook.ABOUT]
    about = [[cell.value for cell in row] for row in book[workbook.ABOUT].rows]
    assert ["Who pays", "cost.cost_allocation_monthly", "Who bears it"] in about
    assert ["Who pays", "team_name", "The name"] in about
    assert ["this publication", "as_of", "2025-10-01 00:00:00"] in about
    assert all(book[name].freeze_panes == "A2" for name in book.sheetnames)


def test_numbers_are_numbers_and_what_looks_like_a_formula_is_text(home: Path) -> None:
    sheet = opened(home)["Who pays"]
    names = [cell.value for cell in sheet[1]]
    team, cost = names.index("team_name"), names.index("allocated_cost_usd")
    rows = list(sheet.iter_rows(min_row=2, max_row=5))
    assert {row[team].value for row in rows} == {"=cmd|calc!A1", "+1", "-1", "@x"}
    assert {row[team].data_type for row in rows} == {"s"}
    assert sorted(row[cost].value for row in rows if row[cost].value is not None) == [
        0.1, 0.2, 1e12,
    ]  # fmt: skip
    assert {row[cost].number_format for row in rows if row[cost].value} == {"#,##0.00"}
    assert rows[0][names.index("period_start")].value == datetime(2025, 9, 1)  # noqa: DTZ001


def test_the_total_is_a_formula_over_every_row_with_its_value(home: Path) -> None:
    column = [cell.value for cell in opened(home)["Who pays"][1]].index("allocated_cost_usd") + 1
    letter = openpyxl.utils.get_column_letter(column)
    assert opened(home)["Who pays"].cell(6, column).value == f"=SUM({letter}2:{letter}5)"
    assert opened(home, values=True)["Who pays"].cell(6, column).value == 1000000000000.3


def test_an_empty_sheet_adds_up_to_nothing(home: Path) -> None:
    sheet = opened(home, values=True)["Findings"]
    assert sheet["A2"].value == "Total"
    assert sheet.max_row == 2


def test_a_long_table_goes_on_on_a_second_sheet(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "LAST_ROW", 4)
    book = opened(home, values=True)
    assert "Who pays (2)" in book.sheetnames
    names = [cell.value for cell in book["Who pays"][1]]
    column = names.index("allocated_cost_usd") + 1
    parts = [book[name].cell(4, column).value for name in ("Who pays", "Who pays (2)")]
    assert sum(map(Decimal, map(str, parts))) == Decimal("1000000000000.3")


def test_what_cannot_be_written_is_said_in_a_line(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "book.xlsx"
    target.write_text("mine")
    with pytest.raises(ExportError, match="exists; choose another name"):
        write_workbook(home, target)
    assert target.read_text() == "mine"
    with pytest.raises(ExportError, match="no such folder"):
        write_workbook(home, tmp_path / "nowhere" / "book.xlsx")
    with pytest.raises(ExportError, match="nothing is published"):
        write_workbook(tmp_path / "other", tmp_path / "new.xlsx")
    assert not list(tmp_path.glob(".*partial"))
