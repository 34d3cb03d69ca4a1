"""The workbook for finance: one sheet per question, numbers as numbers, totals as formulas.

Rows are written one by one, so that a long table takes no more memory than a short one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from orchestration.exporting import published, whole

LAST_ROW = 1_048_576  # of a sheet, with its header and its total
BATCH = 10_000
ABOUT = "Sources and definitions"


@dataclass(frozen=True)
class Question:
    """A sheet. ``totals``: the columns that add up; ``where``: the rows that it shows."""

    title: str
    table: str
    columns: tuple[str, ...]
    totals: tuple[str, ...] = ()
    where: str = "true"
    order: str = "period_start"


QUESTIONS = (
    Question(
        "What did we spend",
        "cost.ai_cost_daily",
        (
            "date_trunc('month', usage_date) as month", "vendor", "model", "department_name",
            "team_name", "price_status", "sum(list_cost_usd) as list_cost_usd",
            "sum(metered_cost_usd) as metered_cost_usd",
        ),
        ("list_cost_usd", "metered_cost_usd"),
        order="all",
    ),
    Question(
        "Does it match the invoices",
        "cost.cost_reconciliation_monthly",
        (
            "vendor", "period_start", "restates_period", "metered_cost_usd",
            "vendor_reported_cost_usd", "invoiced_cost_usd", "variance_usd",
            "quantity_variance_usd", "price_variance_usd", "classification_variance_usd",
            "timing_variance_usd", "credits_variance_usd", "commitment_variance_usd",
            "seats_variance_usd", "fx_variance_usd", "tax_variance_usd", "rounding_variance_usd",
            "unexplained_usd", "tolerance_usd", "status", "close_status",
        ),
        (
            "metered_cost_usd", "vendor_reported_cost_usd", "invoiced_cost_usd", "variance_usd",
            "quantity_variance_usd", "price_variance_usd", "classification_variance_usd",
            "timing_variance_usd", "credits_variance_usd", "commitment_variance_usd",
            "seats_variance_usd", "fx_variance_usd", "tax_variance_usd", "rounding_variance_usd",
            "unexplained_usd",
        ),
        order="period_start, vendor, restates_period",
    ),
    Question(
        "Who pays",
        "cost.cost_allocation_monthly",
        (
            "period_start", "restates_period", "vendor", "invoice_id", "charge_category",
            "cost_center", "department_id", "team_name", "method", "allocated_cost_usd", "is_tax",
            "is_accrual", "close_status",
        ),
        ("allocated_cost_usd",),
        order="all",
    ),
    Question(
        "What did it buy",
        "cost.unit_economics_quarterly",
        (
            "scope_type", "scope_name", "period_start", "ai_cost_usd", "merged_pull_request_count",
            "cost_usd_per_merged_pull_request", "accepted_change_count",
            "cost_usd_per_accepted_change", "failed_change_count", "cost_of_failed_change_usd",
            "fixed_change_count", "cost_of_fixed_change_usd", "successful_deployment_count",
            "cost_usd_per_successful_deployment", "active_user_count",
            "cost_usd_per_active_user", "cache_read_share",
            "batch_share", "is_fully_priced", "is_partial_period",
        ),
        where="is_reported",
        order="period_start, scope_type, scope_name, scope_id",
    ),
    Question(
        "Budgets",
        "cost.budget_vs_actual_monthly",
        (
            "cost_center", "period_start", "budget_usd", "actual_usd",
            "forecast_to_month_end_usd", "variance_usd", "forecast_variance_usd", "is_accrued",
        ),
        ("budget_usd", "actual_usd"),
        where="vendor = 'all'",
        order="period_start, cost_center",
    ),
    Question(
        "Accruals",
        "cost.accruals_monthly",
        (
            "vendor", "period_start", "accrual_basis", "accrued_cost_usd", "invoiced_cost_usd",
            "accrual_error_usd", "is_closed", "is_reversed",
        ),
        ("accrued_cost_usd", "invoiced_cost_usd", "accrual_error_usd"),
        order="period_start, vendor",
    ),
    Question(
        "Idle seats",
        "cost.seats_monthly",
        (
            "vendor", "plan", "period_start", "department_id", "team_name", "seat_count",
            "active_seat_count", "idle_seat_count", "idle_seat_cost_usd",
        ),
        ("idle_seat_cost_usd",),
        order="period_start, vendor, plan, team_id",
    ),
    Question(
        "Findings",
        "cost.invoice_findings",
        (
            "vendor", "period_start", "finding", "invoice_id", "invoice_line_id", "explanation",
            "amount", "currency", "amount_usd",
        ),
        ("amount_usd",),
        order="period_start, finding_id",
    ),
)  # fmt: skip


def write_workbook(home: Path, target: Path, *, is_overwriting: bool = False) -> int:
    """Writes the workbook and returns how many sheets it has."""
    with published(home) as tables, whole(target, is_overwriting) as partial:
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "tmpdir": str(partial.parent),
        }
        ((published_at,),) = tables.sql("select published_at from ops.published").fetchall()
        with xlsxwriter.Workbook(str(partial), options) as book:
            book.set_properties({"created": published_at})
            formats = _Formats(book)
            for question in QUESTIONS:
                _Sheet(book, formats, question, tables).write()
            _about(book, formats, tables)
            return len(book.worksheets())


class _Formats:
    """How a cell looks, by what is in it."""

    def __init__(self, book: Any) -> None:
        self.header = book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
        self.wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        self._plain = {
            kind: book.add_format({"num_format": code})
            for kind, code in (
                ("money", "#,##0.00"), ("share", "0.0%"), ("count", "#,##0"),
                ("date", "yyyy-mm-dd"), ("number", "#,##0.##"), ("text", "@"),
            )
        }  # fmt: skip
        self.total = book.add_format({"bold": True, "top": 1, "num_format": "#,##0.00"})
        self.word = book.add_format({"bold": True, "top": 1})

    def of(self, column: str, kind: str) -> Any:
        """The format of a column of the published tables."""
        if kind == "DATE" or kind.startswith("TIMESTAMP"):
            return self._plain["date"]
        if kind == "BIGINT":
            return self._plain["count"]
        if not kind.startswith("DECIMAL"):
            return self._plain["text"]
        if column.endswith("_share"):
            return self._plain["share"]
        return self._plain["money" if "usd" in column or column == "amount" else "number"]


class _Sheet:
    """One question's table on as many sheets as its rows need."""

    def __init__(
        self, book: Any, formats: _Formats, question: Question, tables: duckdb.DuckDBPyConnection
    ) -> None:
        self._book, self._formats, self._question = book, formats, question
        grouped = " group by all" if any("sum(" in c for c in question.columns) else ""
        query = (
            f"select {', '.join(question.columns)} from {question.table}"  # noqa: S608
            f" where {question.where}{grouped} order by {question.order}"
        )
        told = tables.sql(query)
        self._names, self._kinds = told.columns, [str(kind) for kind in told.types]
        self._rows = tables.cursor().execute(query)
        self._sums = dict.fromkeys(question.totals, Decimal(0))
        self._parts = 0

    def write(self) -> None:
        """Writes every row, and a total below each part."""
        sheet, line = self._begin()
        while rows := self._rows.fetchmany(BATCH):
            for row in rows:
                if line == LAST_ROW - 1:
                    self._end(sheet, line)
                    sheet, line = self._begin()
                self._write_row(sheet, line, row)
                line += 1
        self._end(sheet, line)

    def _begin(self) -> tuple[Any, int]:
        self._parts += 1
        number = f" ({self._parts})" if self._parts > 1 else ""
        sheet = self._book.add_worksheet(self._question.title + number)
        sheet.freeze_panes(1, 0)
        for place, (name, kind) in enumerate(zip(self._names, self._kinds, strict=True)):
            width = max(12, min(len(name) + 2, 24))
            sheet.set_column(place, place, width, self._formats.of(name, kind))
            sheet.write_string(0, place, name, self._formats.header)
        self._sums = dict.fromkeys(self._sums, Decimal(0))
        return sheet, 1

    def _write_row(self, sheet: Any, line: int, row: Sequence[Any]) -> None:
        for place, value in enumerate(row):
            look = self._formats.of(self._names[place], self._kinds[place])
            if isinstance(value, bool):
                sheet.write_boolean(line, place, value)
            elif isinstance(value, int | Decimal):
                sheet.write_number(line, place, value, look)
                if self._names[place] in self._sums:
                    self._sums[self._names[place]] += value
            elif isinstance(value, date | datetime):
                sheet.write_datetime(line, place, value, look)
            elif value is not None:
                # As text whatever it looks like: a team may be called =SUM(1).
                sheet.write_string(line, place, str(value), look)

    def _end(self, sheet: Any, line: int) -> None:
        """The total: a formula, with its value for those who do not calculate."""
        if line > 1:
            sheet.autofilter(0, 0, line - 1, len(self._names) - 1)
        if not self._sums:
            return
        for place, name in enumerate(self._names):
            if name in self._sums:
                column = xl_col_to_name(place)
                formula = f"=SUM({column}2:{column}{max(line, 2)})"
                sheet.write_formula(line, place, formula, self._formats.total, self._sums[name])
            elif place == 0:
                sheet.write_string(line, 0, "Total", self._formats.word)


def _about(book: Any, formats: _Formats, tables: duckdb.DuckDBPyConnection) -> None:
    """The last sheet: what the numbers are of, and what every column means."""
    sheet = book.add_worksheet(ABOUT)
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, 1, 32)
    sheet.set_column(2, 2, 90, formats.wrapped)
    lines: list[tuple[str, str, str]] = [("sheet", "column", "what it is")]
    facts = tables.sql("select * from ops.published")
    (values,) = facts.fetchall()
    lines += [
        ("this publication", name, str(value))
        for name, value in zip(facts.columns, values, strict=True)
    ]
    lines.append(("every sheet", "", "Money is in USD; METRICS.md says how each figure is counted"))
    for question in QUESTIONS:
        schema, table = question.table.split(".")
        described = tables.execute(
            "select comment from duckdb_tables() where schema_name = ? and table_name = ?",
            [schema, table],
        ).fetchone()
        lines.append((question.title, question.table, (described or ("",))[0] or ""))
        comments = dict(
            tables.execute(
                "select column_name, comment from duckdb_columns()"
                " where schema_name = ? and table_name = ?",
                [schema, table],
            ).fetchall()
        )
        names = [column.split(" as ")[-1] for column in question.columns]
        lines += [(question.title, name, comments.get(name) or "") for name in names]
    for line, texts in enumerate(lines):
        for place, text in enumerate(texts):
            sheet.write_string(line, place, text, formats.header if line == 0 else formats.wrapped)
