-- One row per cost centre, vendor (or 'all') and month: what was planned, what it cost
-- (invoiced, else accrued) and what the month will have cost at the rate of its whole
-- days.
with

months as (

    select * from {{ ref('int_cost_center_months') }}

),

budgets as (

    select * from {{ ref('int_budgets_in_usd') }}

),

actuals as (

    select * from {{ ref('int_actuals_by_cost_center') }}

),

joined as (

    select
        months.cost_center,
        months.vendor,
        months.month_start,
        months.month_end,
        budgets.budget_usd,
        actuals.invoiced_usd,
        actuals.accrued_usd,
        actuals.month_start is not null as has_actual,
        coalesce(actuals.is_accrued, false) as is_accrued,
        months.month_start < {{ as_of() }} as has_begun,
        months.month_end > {{ as_of() }} as is_partial_period,
        {{ days_between('months.month_start', 'months.month_end') }} as day_count,
        {{ days_between(
            'months.month_start', 'cast(' ~ as_of() ~ ' as date)'
        ) }} as whole_day_count
    from months
    left join budgets
        on
            months.cost_center = budgets.cost_center
            and months.vendor = budgets.vendor
            and months.month_start = budgets.month_start
    left join actuals
        on
            months.cost_center = actuals.cost_center
            and months.vendor = actuals.vendor
            and months.month_start = actuals.month_start

),

measured as (

    select
        joined.*,
        case
            when has_actual then invoiced_usd + accrued_usd
            when has_begun then cast(0 as numeric(38, 12))
        end as actual_usd,
        case
            when not is_partial_period and has_actual then invoiced_usd + accrued_usd
            when not is_partial_period then cast(0 as numeric(38, 12))
            when has_begun and whole_day_count > 0 and has_actual
                then cast(
                    invoiced_usd
                    + {{ divide_decimals(
                        'accrued_usd * day_count', 12, 'whole_day_count', 0, 12
                    ) }} as numeric(38, 12)
                )
            when has_begun and whole_day_count > 0 then cast(0 as numeric(38, 12))
        end as forecast_to_month_end_usd
    from joined

),

final as (

    select
        cost_center,
        vendor,
        month_start as period_start,
        cast(budget_usd as numeric(38, 12)) as budget_usd,
        cast(actual_usd as numeric(38, 12)) as actual_usd,
        cast(forecast_to_month_end_usd as numeric(38, 12))
            as forecast_to_month_end_usd,
        cast(actual_usd - budget_usd as numeric(38, 12)) as variance_usd,
        cast(forecast_to_month_end_usd - budget_usd as numeric(38, 12))
            as forecast_variance_usd,
        is_accrued,
        is_partial_period,
        month_end as period_end
    from measured

)

select * from final
