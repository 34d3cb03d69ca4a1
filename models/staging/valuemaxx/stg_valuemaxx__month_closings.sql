-- One row per entry of the close ledger.
with

records as (

    select * from {{ latest(source('valuemaxx', 'month_closings')) }}

),

final as (

    select
        closing_number,
        period_start,
        action,
        allocation_row_count,
        reconciliation_row_count,
        as_of,
        published_at,
        reason is not null as has_accepted_problems
    from records

)

select * from final
