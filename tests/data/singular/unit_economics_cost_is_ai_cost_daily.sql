-- The organization's cost of a month is what its days cost.
with

daily as (

    select
        {{ period_start('month', 'usage_date') }} as period_start,
        sum(coalesce(metered_cost_usd, 0)) as metered_cost_usd
    from {{ ref('ai_cost_daily') }}
    group by {{ period_start('month', 'usage_date') }}

),

monthly as (

    select
        period_start,
        ai_cost_usd
    from {{ ref('unit_economics_monthly') }}
    where scope_type = 'organization'

)

select
    monthly.period_start,
    monthly.ai_cost_usd,
    daily.metered_cost_usd
from monthly
left join daily
    on monthly.period_start = daily.period_start
where coalesce(monthly.ai_cost_usd, 0) <> coalesce(daily.metered_cost_usd, 0)
