-- One row per week, month and fiscal quarter from the first fact to as_of. One that
-- as_of cuts is partial.
with

days as (

    select * from {{ ref('int_days') }}

),

periods as (

    select
        'week' as period_type,
        week_start as period_start,
        {{ add_to_date('week_start', 7, 'day') }} as period_end
    from days
    union
    select
        'month' as period_type,
        month_start as period_start,
        {{ add_to_date('month_start', 1, 'month') }} as period_end
    from days
    union
    select
        'quarter' as period_type,
        quarter_start as period_start,
        {{ add_to_date('quarter_start', 3, 'month') }} as period_end
    from days

),

final as (

    select
        period_type,
        period_start,
        period_end,
        {{ days_between(
            'period_start', 'least(period_end, cast(' ~ as_of() ~ ' as date))'
        ) }} as whole_day_count,
        period_end > {{ as_of() }} as is_partial_period
    from periods

)

select * from final
