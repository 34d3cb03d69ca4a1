-- One row per day and kind of period: each day three times, with the start of its week,
-- month and fiscal quarter.
with

days as (

    select * from {{ ref('int_days') }}

),

final as (

    select
        date_day,
        'week' as period_type,
        week_start as period_start
    from days
    union all
    select
        date_day,
        'month' as period_type,
        month_start as period_start
    from days
    union all
    select
        date_day,
        'quarter' as period_type,
        quarter_start as period_start
    from days

)

select * from final
