-- Every line is in one team, one department and the organization, so each kind of scope
-- adds up to the same; and a quarter is its months.
with

all_scopes as (

    select
        'month' as period_type,
        period_start,
        {{ period_start('quarter', 'period_start') }} as quarter_start,
        scope_type,
        ai_cost_usd,
        token_count,
        merged_pull_request_count,
        successful_deployment_count
    from {{ ref('unit_economics_monthly') }}

    union all

    select
        'quarter' as period_type,
        period_start,
        period_start as quarter_start,
        scope_type,
        ai_cost_usd,
        token_count,
        merged_pull_request_count,
        successful_deployment_count
    from {{ ref('unit_economics_quarterly') }}

),

totals as (

    select
        period_type,
        quarter_start,
        scope_type,
        sum(coalesce(ai_cost_usd, 0)) as ai_cost_usd,
        sum(coalesce(token_count, 0)) as token_count,
        sum(coalesce(merged_pull_request_count, 0)) as merged_pull_request_count,
        sum(coalesce(successful_deployment_count, 0)) as successful_deployment_count
    from all_scopes
    group by period_type, quarter_start, scope_type

)

select
    quarter_start,
    count(*) as scope_count
from totals
group by quarter_start
having
    count(*) <> 6
    or min(ai_cost_usd) <> max(ai_cost_usd)
    or min(token_count) <> max(token_count)
    or min(merged_pull_request_count) <> max(merged_pull_request_count)
    or min(successful_deployment_count) <> max(successful_deployment_count)
