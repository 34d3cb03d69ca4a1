-- Every day lies in exactly one week, one month and one quarter of int_periods, and
-- dim_dates has no gap.
with

days as (

    select
        date_day,
        lead(date_day) over (order by date_day) as next_day
    from {{ ref('dim_dates') }}

),

day_periods as (

    select
        days_in_periods.date_day,
        count(periods.period_start) as period_count
    from {{ ref('int_days_in_periods') }} as days_in_periods
    left join {{ ref('int_periods') }} as periods
        on
            periods.period_type = days_in_periods.period_type
            and periods.period_start = days_in_periods.period_start
            and periods.period_end > days_in_periods.date_day
    group by days_in_periods.date_day

)

select
    days.date_day,
    days.next_day,
    day_periods.period_count
from days
left join day_periods
    on day_periods.date_day = days.date_day
where
    coalesce(day_periods.period_count, 0) <> 3
    or {{ days_between('days.date_day', 'days.next_day') }} <> 1
