-- One row per month with an entry in the close ledger: its last one. A month before the
-- newest closed one is closed with it.
with

entries as (

    select * from {{ ref('core_month_closings') }}

),

ranked as (

    select
        period_start,
        closing_number,
        action,
        has_accepted_problems,
        row_number() over (
            partition by period_start order by closing_number desc
        ) as recency
    from entries

),

final as (

    select
        period_start as month_start,
        closing_number,
        action as close_status,
        has_accepted_problems
    from ranked
    where recency = 1

)

select * from final
