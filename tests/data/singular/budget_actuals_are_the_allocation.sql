{{ config(group='cost') }}
-- Over all cost centres a month's actual is what is allocated, and what is accrued.
with

allocated as (

    select
        month_start,
        sum(amount_usd_cents) * 0.01 as allocated_cost_usd,
        count(*) = count(amount_usd_cents) as is_known
    from {{ ref('int_costs_allocated') }}
    group by month_start

),

actuals as (

    select
        period_start,
        sum(case when vendor = 'all' then actual_usd else 0 end) as actual_usd,
        sum(case when vendor = 'all' then 0 else actual_usd end) as vendors_actual_usd
    from {{ ref('budget_vs_actual_monthly') }}
    group by period_start

)

select
    allocated.month_start,
    allocated.allocated_cost_usd,
    actuals.actual_usd
from allocated
inner join actuals
    on allocated.month_start = actuals.period_start
where
    allocated.is_known
    and (
        allocated.allocated_cost_usd <> actuals.actual_usd
        or allocated.allocated_cost_usd <> actuals.vendors_actual_usd
    )
