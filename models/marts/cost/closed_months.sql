-- One row per month with an entry in the close ledger, with its last one.
with

months_closed as (

    select * from {{ ref('int_months_closed') }}

),

final as (

    select
        month_start as period_start,
        closing_number,
        close_status,
        has_accepted_problems,
        {{ add_to_date('month_start', 1, 'month') }} as period_end
    from months_closed

)

select * from final
