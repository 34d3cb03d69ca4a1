-- What the books hold for a month, in it and as its restatements, is what is known now
-- of every invoice, to the cent: closed months moved nothing and lost nothing.
{{ config(group='cost') }}
with

books as (

    select
        vendor,
        coalesce(restates_period, period_start) as month_start,
        invoice_id,
        sum(allocated_cost_usd) as cost_usd
    from {{ ref('cost_allocation_monthly') }}
    group by vendor, coalesce(restates_period, period_start), invoice_id

),

as_now as (

    select
        as_now.vendor,
        as_now.period_start as month_start,
        as_now.invoice_id,
        sum(as_now.allocated_cost_usd) as cost_usd
    from {{ ref('cost_allocation_as_now_monthly') }} as as_now
    cross join {{ ref('int_close_frontier') }} as frontier
    where not as_now.is_accrual or as_now.period_start <= frontier.closed_through
    group by as_now.vendor, as_now.period_start, as_now.invoice_id

)

select
    coalesce(books.vendor, as_now.vendor) as vendor,
    coalesce(books.month_start, as_now.month_start) as month_start,
    coalesce(books.invoice_id, as_now.invoice_id) as invoice_id,
    books.cost_usd as books_usd,
    as_now.cost_usd as as_now_usd
from books
full join as_now
    on
        books.vendor = as_now.vendor
        and books.month_start = as_now.month_start
        and books.invoice_id = as_now.invoice_id
-- An invoice whose rate has gone is null now, and still in the books.
where
    coalesce(books.cost_usd, 0) <> coalesce(as_now.cost_usd, 0)
    and (as_now.vendor is null or as_now.cost_usd is not null)
