"""The workbook for finance: one sheet per question, numbers as numbers, totals as formulas.

Rows are written one by one, so that a long table takes no more memory than a short one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
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
INPUTS = (
    "engineering_cost_usd", "engineering_people", "hours_per_person_week",
    "downtime_cost_usd_per_hour", "other_ai_investment_usd",
)  # fmt: skip
WHOLE = "NOT({is_partial_period})"


@dataclass(frozen=True)
class Question:
    """A sheet. ``totals``: the columns that add up; ``where``: the rows that it shows;
    ``inputs``: numbers that a reader may change; ``formulas``: columns that follow from others of
    the row, and are empty where one of those is or ``only`` does not hold."""

    title: str
    table: str
    columns: tuple[str, ...]
    totals: tuple[str, ...] = ()
    where: str = "true"
    order: str = "period_start"
    inputs: tuple[str, ...] = ()
    formulas: dict[str, str] = field(default_factory=dict)
    only: dict[str, str] = field(default_factory=dict)


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
            "cost_usd_per_successful_deployment", "finished_epic_count",
            "cost_usd_per_finished_epic", "finished_story_count", "cost_usd_per_finished_story",
            "active_user_count", "cost_usd_per_active_user", "idle_seat_cost_usd",
            "cache_read_share", "caching_saved_usd", "caching_uncompared_token_count",
            "batch_share", "batch_saved_usd", "batch_uncompared_token_count", "is_fully_priced",
            "is_partial_period",
        ),
        where="is_reported",
        order="period_start, scope_type, scope_name, scope_id",
    ),
    Question(
        "Return",
        "value.return_on_ai_quarterly",
        (
            "period_start", "baseline_quarter_start", *INPUTS, "ai_spend_usd",
            "accrued_ai_spend_usd", "uninvoiced_vendor_month_count", "deployment_count",
            "cost_to_serve_software_usd", "baseline_cost_to_serve_software_usd",
            "change_fail_rate", "baseline_change_fail_rate", "deployment_rework_rate",
            "baseline_deployment_rework_rate", "hours_saved_per_person_week", "day_count",
            "said_hours_saved", "agent_hourly_rate_usd", "paid_hours",
            "engineer_hourly_cost_usd", "avoided_rework_usd", "failure_hours",
            "baseline_failure_hours", "avoided_downtime_usd", "value_usd", "investment_usd",
            "return_on_investment", "missing_inputs", "is_partial_period",
        ),
        inputs=INPUTS,
        formulas={
            "cost_to_serve_software_usd":
                "({engineering_cost_usd}+{ai_spend_usd})/{deployment_count}",
            "said_hours_saved":
                "{hours_saved_per_person_week}*{engineering_people}*{day_count}/7",
            "agent_hourly_rate_usd": "{ai_spend_usd}/{said_hours_saved}",
            "paid_hours": "{hours_per_person_week}*{engineering_people}*{day_count}/7",
            "engineer_hourly_cost_usd": "{engineering_cost_usd}/{paid_hours}",
            "avoided_rework_usd": "{engineering_cost_usd}"
                "*({baseline_deployment_rework_rate}-{deployment_rework_rate})",
            "avoided_downtime_usd":
                "({baseline_failure_hours}-{failure_hours})*{downtime_cost_usd_per_hour}",
            "value_usd": "{avoided_rework_usd}+{avoided_downtime_usd}",
            "investment_usd": "{ai_spend_usd}+{other_ai_investment_usd}",
            "return_on_investment": "({value_usd}-{investment_usd})/{investment_usd}",
        },
        only={
            "cost_to_serve_software_usd": WHOLE,
            "said_hours_saved": WHOLE,
            "paid_hours": WHOLE,
            "avoided_rework_usd": f"{WHOLE},COUNT({{baseline_quarter_start}})=1,"
                "{period_start}>{baseline_quarter_start}",
            "investment_usd": WHOLE,
            "return_on_investment": "{investment_usd}>0",
        },
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
        codes = {
            "money": "#,##0.00", "share": "0.0%", "count": "#,##0", "date": "yyyy-mm-dd",
            "number": "#,##0.##", "text": "@",
        }  # fmt: skip
        self._plain = {kind: book.add_format({"num_format": code}) for kind, code in codes.items()}
        self._input = {
            kind: book.add_format({"num_format": code, "font_color": "blue", "bg_color": "#FFF8DC"})
            for kind, code in codes.items()
        }
        self.total = book.add_format({"bold": True, "top": 1, "num_format": "#,##0.00"})
        self.word = book.add_format({"bold": True, "top": 1})

    def of(self, column: str, kind: str, *, is_input: bool = False) -> Any:
        """The format of a column of the published tables; an input stands out."""
        return (self._input if is_input else self._plain)[_look(column, kind)]


def _look(column: str, kind: str) -> str:
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        return "date"
    if kind == "BIGINT":
        return "count"
    if kind != "DOUBLE" and not kind.startswith("DECIMAL"):
        return "text"
    if column.endswith(("_share", "_rate", "return_on_investment")):
        return "share"
    return "money" if "usd" in column or column == "amount" else "number"


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
        self._looks = [
            formats.of(name, kind, is_input=name in question.inputs)
            for name, kind in zip(self._names, self._kinds, strict=True)
        ]
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
        for place, name in enumerate(self._names):
            width = max(12, min(len(name) + 2, 24))
            sheet.set_column(place, place, width, self._looks[place])
            sheet.write_string(0, place, name, self._formats.header)
        self._sums = dict.fromkeys(self._sums, Decimal(0))
        return sheet, 1

    def _write_row(self, sheet: Any, line: int, row: Sequence[Any]) -> None:
        for place, value in enumerate(row):
            look = self._looks[place]
            if self._names[place] in self._question.formulas:
                formula = self._formula(self._names[place], line)
                sheet.write_formula(line, place, formula, look, "" if value is None else value)
            elif isinstance(value, bool):
                sheet.write_boolean(line, place, value)
            elif isinstance(value, int | float | Decimal):
                sheet.write_number(line, place, value, look)
                if self._names[place] in self._sums and not isinstance(value, float):
                    self._sums[self._names[place]] += value
            elif isinstance(value, date | datetime):
                sheet.write_datetime(line, place, value, look)
            elif value is not None:
                # As text whatever it looks like: a team may be called =SUM(1).
                sheet.write_string(line, place, str(value), look)

    def _formula(self, name: str, line: int) -> str:
        """The column's formula over cells of the line: empty where one of them is."""
        cells = {
            column: f"{xl_col_to_name(place)}{line + 1}" for place, column in enumerate(self._names)
        }
        formula = self._question.formulas[name]
        needed = [cell for column, cell in cells.items() if f"{{{column}}}" in formula]
        only = self._question.only.get(name)
        holds = f"COUNT({','.join(needed)})={len(needed)}{f',{only}' if only else ''}"
        return f'=IFERROR(IF(AND({holds}),{formula},""),"")'.format(**cells)

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
    lines += [
        (question.title, ", ".join(question.inputs), "Inputs: change one, and the row follows it")
        for question in QUESTIONS
        if question.inputs
    ]
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
