-- What the books hold of a vendor's month, in it and as its restatements, is what was
-- invoiced for it as known now, and no invoice is counted twice or lost.
{{ config(group='cost') }}
with

books as (

    select
        vendor,
        coalesce(restates_period, period_start) as month_start,
        sum(invoice_count) as invoice_count,
        sum(invoiced_cost_usd) as invoiced_cost_usd
    from {{ ref('cost_reconciliation_monthly') }}
    group by vendor, coalesce(restates_period, period_start)

),

as_now as (

    select
        vendor,
        period_start as month_start,
        invoice_count,
        invoiced_cost_usd
    from {{ ref('cost_reconciliation_as_now_monthly') }}

)

select
    coalesce(books.vendor, as_now.vendor) as vendor,
    coalesce(books.month_start, as_now.month_start) as month_start,
    books.invoice_count as books_invoice_count,
    as_now.invoice_count as as_now_invoice_count,
    books.invoiced_cost_usd as books_usd,
    as_now.invoiced_cost_usd as as_now_usd
from books
full join as_now
    on
        books.vendor = as_now.vendor
        and books.month_start = as_now.month_start
-- An invoice whose rate has gone is null now, and still in the books.
where
    coalesce(books.invoice_count, 0) <> coalesce(as_now.invoice_count, 0)
    or (
        coalesce(books.invoiced_cost_usd, 0) <> coalesce(as_now.invoiced_cost_usd, 0)
        and (
            as_now.invoiced_cost_usd is not null
            or coalesce(as_now.invoice_count, 0) = 0
        )
    )
