-- One row per scope and month or quarter with AI usage: what it cost and what kind it was.
-- Usage without a price is in the quantities and not in the cost.
with

usage_costs as (

    select * from {{ ref('int_ai_cost_by_team_and_day') }}

),

days_in_periods as (

    select * from {{ ref('int_days_in_periods') }}

),

scopes as (

    select * from {{ ref('int_reporting_scopes') }}

),

by_team as (

    select
        days_in_periods.period_type,
        days_in_periods.period_start,
        usage_costs.team_id,
        usage_costs.token_class,
        usage_costs.unit_name,
        usage_costs.is_batch,
        usage_costs.price_status = 'unpriced' as is_unpriced,
        sum(usage_costs.quantity) as quantity,
        sum(usage_costs.metered_cost_usd) as metered_cost_usd
    from usage_costs
    inner join days_in_periods
        on usage_costs.usage_date = days_in_periods.date_day
    where days_in_periods.period_type in ('month', 'quarter')
    group by
        days_in_periods.period_type,
        days_in_periods.period_start,
        usage_costs.team_id,
        usage_costs.token_class,
        usage_costs.unit_name,
        usage_costs.is_batch,
        usage_costs.price_status = 'unpriced'

),

final as (

    select
        scopes.period_type,
        scopes.period_start,
        scopes.scope_type,
        scopes.scope_id,
        sum(by_team.metered_cost_usd) as ai_cost_usd,
        sum(case when by_team.unit_name = 'token' then by_team.quantity else 0 end)
            as token_count,
        sum(
            case
                when by_team.token_class in (
                    'uncached_input', 'cache_read', 'cache_write_5m', 'cache_write_1h'
                )
                    then by_team.quantity
                else 0
            end
        ) as input_token_count,
        sum(
            case when by_team.token_class = 'cache_read' then by_team.quantity else 0 end
        ) as cache_read_token_count,
        sum(
            case
                when by_team.unit_name = 'token' and by_team.is_batch
                    then by_team.quantity
                else 0
            end
        ) as batch_token_count,
        sum(
            case
                when by_team.unit_name = 'token' and by_team.is_unpriced
                    then by_team.quantity
                else 0
            end
        ) as unpriced_token_count,
        sum(
            case
                when by_team.unit_name <> 'token' and by_team.is_unpriced
                    then by_team.quantity
                else 0
            end
        ) as unpriced_other_unit_count
    from by_team
    inner join scopes
        on
            by_team.period_type = scopes.period_type
            and by_team.period_start = scopes.period_start
            and by_team.team_id = scopes.team_id
    group by
        scopes.period_type,
        scopes.period_start,
        scopes.scope_type,
        scopes.scope_id

)

select * from final
