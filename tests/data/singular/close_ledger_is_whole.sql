-- Every closing that stands has all the rows that it froze: a file of the ledger that
-- is lost must not move a closed month into the open one.
{{ config(group='cost') }}
with

entries as (

    select
        entries.closing_number,
        entries.allocation_row_count,
        entries.reconciliation_row_count
    from {{ ref('core_month_closings') }} as entries
    inner join {{ ref('int_months_closed') }} as months_closed
        on entries.closing_number = months_closed.closing_number
    where months_closed.close_status = 'closed'

),

allocation as (

    select
        closing_number,
        count(*) as row_count
    from {{ ref('core_closed_allocation') }}
    group by closing_number

),

reconciliation as (

    select
        closing_number,
        count(*) as row_count
    from {{ ref('core_closed_reconciliation') }}
    group by closing_number

)

select
    entries.closing_number,
    entries.allocation_row_count,
    coalesce(allocation.row_count, 0) as allocation_rows_left,
    entries.reconciliation_row_count,
    coalesce(reconciliation.row_count, 0) as reconciliation_rows_left
from entries
left join allocation
    on entries.closing_number = allocation.closing_number
left join reconciliation
    on entries.closing_number = reconciliation.closing_number
where
    entries.allocation_row_count <> coalesce(allocation.row_count, 0)
    or entries.reconciliation_row_count <> coalesce(reconciliation.row_count, 0)
