-- One row per entry of the close ledger that was made of a publication which as_of has
-- reached.
with

month_closings as (

    select * from {{ ref('stg_valuemaxx__month_closings') }}

),

final as (

    select
        closing_number,
        period_start,
        action,
        allocation_row_count,
        reconciliation_row_count,
        has_accepted_problems,
        as_of,
        published_at
    from month_closings
    where as_of <= {{ as_of() }}

)

select * from final
