-- One row per day from the first fact to the last day that as_of sees any of
-- (int_days). Weeks start on Monday; quarter_start is the fiscal quarter's.
with

days as (

    select * from {{ ref('int_days') }}

),

parts as (

    select
        date_day,
        week_start,
        month_start,
        quarter_start,
        cast(extract(year from date_day) as bigint) as calendar_year,
        cast(extract(month from date_day) as bigint) as calendar_month,
        cast(extract(quarter from date_day) as bigint) as calendar_quarter,
        cast(extract(isodow from date_day) as bigint) as day_of_week,
        -- 0 for the first month of the fiscal year.
        mod(
            cast(extract(month from date_day) as bigint)
            - {{ var('fiscal_year_start_month') }} + 12,
            12
        ) as fiscal_month_index
    from days

),

final as (

    select
        date_day,
        calendar_year,
        calendar_quarter,
        calendar_month,
        day_of_week,
        -- A fiscal year has the name of the calendar year in which it ends.
        calendar_year
        + case
            when
                {{ var('fiscal_year_start_month') }} > 1
                and calendar_month >= {{ var('fiscal_year_start_month') }}
                then 1
            else 0
        end as fiscal_year,
        cast(floor(fiscal_month_index / 3.0) + 1 as bigint) as fiscal_quarter,
        day_of_week >= 6 as is_weekend,
        week_start,
        month_start,
        quarter_start
    from parts

)

select * from final
