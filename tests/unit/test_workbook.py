"""The workbook as finance opens it: numbers are numbers, totals are formulas, nothing runs."""

import re
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
    if column.endswith(("_share", "_rate")):
        return f"{column} double"
    if column.endswith(("_people", "_week", "_hours", "_saved", "_investment")):
        return f"{column} decimal(38, 6)"
    if column.endswith(("_usd", "amount")) or "cost_usd" in column:
        return f"{column} decimal(38, 12)"
    return f"{column} bigint" if column.endswith("_count") else f"{column} text"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "published"
    folder.mkdir()
    with duckdb.connect(str(folder / "valuemaxx.duckdb")) as tables:
        tables.execute("create schema cost; create schema value; create schema ops")
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
            insert into cost.unit_economics_quarterly by name
                select date '2025-07-01' as period_start, true as is_reported,
                    0.625::double as cache_read_share, -0.075 as caching_saved_usd;
            insert into value.return_on_ai_quarterly by name
                select date '2025-07-01' as period_start,
                    date '2025-04-01' as baseline_quarter_start,
                    900 as engineering_cost_usd, 10 as engineering_people,
                    40 as hours_per_person_week, 100 as downtime_cost_usd_per_hour,
                    51 as other_ai_investment_usd, 100 as ai_spend_usd, 4 as deployment_count,
                    0.25::double as deployment_rework_rate,
                    0.3::double as baseline_deployment_rework_rate,
                    2 as hours_saved_per_person_week, 91 as day_count, 2 as failure_hours,
                    6.066667 as baseline_failure_hours, 250 as cost_to_serve_software_usd,
                    260 as said_hours_saved, 0.384615384615 as agent_hourly_rate_usd,
                    5200 as paid_hours, 0.173076923077 as engineer_hourly_cost_usd,
                    45 as avoided_rework_usd, 406.6667 as avoided_downtime_usd,
                    451.6667 as value_usd, 151 as investment_usd,
                    1.991170 as return_on_investment, false as is_partial_period;
            insert into value.return_on_ai_quarterly by name
                select date '2025-10-01' as period_start, 7 as deployment_count,
                    true as is_partial_period;
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


def test_shares_are_numbers(home: Path) -> None:
    sheet = opened(home)["What did it buy"]
    names = [cell.value for cell in sheet[1]]
    share = sheet.cell(2, names.index("cache_read_share") + 1)
    assert (share.value, share.number_format) == (0.625, "0.0%")
    assert sheet.cell(2, names.index("caching_saved_usd") + 1).value == -0.075


def test_the_return_is_formulas_over_inputs_that_can_be_changed(home: Path) -> None:
    formulas, values = opened(home)["Return"], opened(home, values=True)["Return"]
    names = [cell.value for cell in formulas[1]]
    (question,) = [question for question in QUESTIONS if question.title == "Return"]
    for name in question.formulas:
        place = names.index(name) + 1
        written = formulas.cell(2, place).value
        told = re.fullmatch(r'=IFERROR\(IF\(AND\((.*)\),([^,]*),""\),""\)', written)
        assert told, written
        # What is left is arithmetic over cells of the row; their values give the cell's own.
        sum_of = re.sub(r"[A-Z]+2\b", lambda cell: str(values[cell[0]].value), told[2])
        assert re.fullmatch(r"[-+*/().0-9]+", sum_of)
        assert eval(sum_of) == pytest.approx(values.cell(2, place).value, rel=1e-6)  # noqa: S307
        assert formulas.cell(3, place).value.startswith("=IFERROR(IF(AND(COUNT(")
        assert values.cell(3, place).value in (None, "")
    for name in question.inputs:
        cell = formulas.cell(2, names.index(name) + 1)
        assert cell.data_type == "n"
        assert cell.value > 0
    assert formulas.cell(2, names.index("cost_to_serve_software_usd") + 1).value == (
        '=IFERROR(IF(AND(COUNT(C2,H2,K2)=3,NOT(AF2)),(C2+H2)/K2,""),"")'
    )
    about = [[cell.value for cell in row] for row in opened(home)[workbook.ABOUT].rows]
    assert ["Return", ", ".join(question.inputs), "Inputs: change one, and the row follows it"] in (
        about
    )


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
