-- One row per cost centre, vendor (or 'all') with a budget or cost in any month, and
-- month: from the first with any of either to the later of as_of's and the last budget.
with

budgets as (

    select * from {{ ref('int_budgets_in_usd') }}

),

actuals as (

    select * from {{ ref('int_actuals_by_cost_center') }}

),

days as (

    select * from {{ ref('int_days') }}

),

known as (

    select
        cost_center,
        vendor,
        month_start
    from budgets
    union
    select
        cost_center,
        vendor,
        month_start
    from actuals

),

ends as (

    select max(month_start) as last_month from budgets
    union all
    select {{ period_start('month', 'max(date_day)') }} as last_month from days

),

first_months as (

    select min(month_start) as first_month from known

),

last_months as (

    select max(last_month) as last_month from ends

),

bounds as (

    select
        first_months.first_month,
        last_months.last_month
    from first_months
    cross join last_months
    where first_months.first_month is not null

),

numbered as (

    select
        first_month,
        {{ explode_range(
            '0',
            'cast(12 * (extract(year from last_month)'
            ~ ' - extract(year from first_month)) + extract(month from last_month)'
            ~ ' - extract(month from first_month) as integer)'
        ) }} as month_number
    from bounds

),

months as (

    select {{ add_to_date('first_month', 'month_number', 'month') }} as month_start
    from numbered

),

centers as (

    select distinct
        cost_center,
        vendor
    from known

),

final as (

    select
        centers.cost_center,
        centers.vendor,
        months.month_start,
        {{ add_to_date('months.month_start', 1, 'month') }} as month_end
    from centers
    cross join months

)

select * from final
