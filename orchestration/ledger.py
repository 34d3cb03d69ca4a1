"""The close ledger: three streams of the lake that are only ever added to."""

from orchestration.lake import Field, Stream

NUMBER = Field("closing_number", "integer", "The entry of the ledger it belongs to")
ROW = Field("row_number", "integer", "Its place in the closing")
POSTED = (
    Field("vendor", "string", "Who billed"),
    Field("period_start", "date", "First day of the month it is posted in"),
    Field("restates_period", "date", "First day of the month it restates; empty = its own"),
)

ENTRIES = Stream(
    "valuemaxx", "month_closings", "an entry of the close ledger", ("closing_number",), "keyed",
    (
        NUMBER,
        Field("period_start", "date", "First day of the month"),
        Field("action", "string", "closed or reopened"),
        Field("as_of", "timestamp", "The moment that the frozen figures look from (UTC)"),
        Field("published_at", "timestamp", "The publication they are from (UTC)"),
        Field("reason", "string", "Why what is open was accepted"),
        Field("accepted", "string", "What was accepted, a line each"),
        Field("entered_at", "timestamp", "When it was entered (UTC)"),
        Field("allocation_row_count", "integer", "Rows it froze of the allocation (count)"),
        Field("reconciliation_row_count", "integer", "Rows it froze of the reconciliation (count)"),
    ),
    dated_by="entered_at",
)  # fmt: skip

ALLOCATION = Stream(
    "valuemaxx", "closed_allocation", "a frozen row of the allocation",
    ("closing_number", "row_number"), "keyed",
    (
        NUMBER, ROW, *POSTED,
        Field("invoice_id", "string", "The invoice, or accrual"),
        Field("charge_category", "string", "What kind of charge"),
        Field("cost_center", "string", "Who pays"),
        Field("team_id", "string", "The line of teams"),
        Field("method", "string", "How it was shared out"),
        Field("team_name", "string", "The line's name"),
        Field("department_id", "string", "Its department"),
        Field("allocated_cost_usd", "decimal", "What it bears (USD)"),
        Field("is_accrual", "boolean", "Whether no invoice had come"),
    ),
)  # fmt: skip

# Amounts of the reconciliation have twelve decimals, a decimal of the lake has nine: text.
AMOUNTS = (
    "metered_cost_usd", "vendor_reported_cost_usd", "invoiced_cost_usd", "variance_usd",
    "quantity_variance_usd", "price_variance_usd", "classification_variance_usd",
    "timing_variance_usd", "credits_variance_usd", "commitment_variance_usd",
    "seats_variance_usd", "fx_variance_usd", "tax_variance_usd", "rounding_variance_usd",
    "unexplained_usd", "tolerance_usd",
)  # fmt: skip
RECONCILIATION = Stream(
    "valuemaxx", "closed_reconciliation", "a frozen row of the reconciliation",
    ("closing_number", "row_number"), "keyed",
    (
        NUMBER, ROW, *POSTED,
        Field("invoice_count", "integer", "Invoices that charge for the month (count)"),
        *(Field(name, "string", "As in the published table (USD)") for name in AMOUNTS),
        Field("status", "string", "How the month matched"),
        Field("is_fully_priced", "boolean", "Whether all usage had a price"),
    ),
)  # fmt: skip

STREAMS = (ENTRIES, ALLOCATION, RECONCILIATION)
