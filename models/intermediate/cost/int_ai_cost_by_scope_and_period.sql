-- One row per scope and month or quarter with AI usage: what it cost and what kind it
-- was, and what caching and batches saved. Usage without a price is in the quantities
-- and not in the cost.
with

usage_costs as (

    select * from {{ ref('int_ai_usage_split_by_team') }}

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
        sum(usage_costs.metered_cost_usd) as metered_cost_usd,
        sum(usage_costs.caching_saved_usd) as caching_saved_usd,
        sum(
            case
                when usage_costs.caching_saved_usd is null then usage_costs.quantity
            end
        ) as caching_uncompared_quantity,
        sum(usage_costs.batch_saved_usd) as batch_saved_usd,
        sum(case when usage_costs.batch_saved_usd is null then usage_costs.quantity end)
            as batch_uncompared_quantity
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

measured as (

    select
        scopes.period_type,
        scopes.period_start,
        scopes.scope_type,
        scopes.scope_id,
        by_team.metered_cost_usd,
        by_team.caching_saved_usd,
        by_team.caching_uncompared_quantity,
        by_team.batch_saved_usd,
        by_team.batch_uncompared_quantity,
        by_team.quantity,
        by_team.unit_name = 'token' as is_token,
        by_team.token_class in (
            'uncached_input', 'cache_read', 'cache_write_5m', 'cache_write_1h'
        ) as is_input,
        by_team.token_class = 'cache_read' as is_cache_read,
        by_team.token_class in ('cache_read', 'cache_write_5m', 'cache_write_1h')
            as is_cached,
        by_team.is_batch,
        by_team.is_unpriced
    from by_team
    inner join scopes
        on
            by_team.period_type = scopes.period_type
            and by_team.period_start = scopes.period_start
            and by_team.team_id = scopes.team_id

),

summed as (

    select
        period_type,
        period_start,
        scope_type,
        scope_id,
        sum(metered_cost_usd) as ai_cost_usd,
        sum(case when is_token then quantity else 0 end) as token_count,
        sum(case when is_input then quantity else 0 end) as input_token_count,
        sum(case when is_cache_read then quantity else 0 end)
            as cache_read_token_count,
        sum(case when is_cached then quantity else 0 end) as cached_token_count,
        sum(caching_saved_usd) as caching_saved_usd,
        sum(case when is_cached then caching_uncompared_quantity end)
            as caching_uncompared_token_count,
        sum(case when is_token and is_batch then quantity else 0 end)
            as batch_token_count,
        sum(batch_saved_usd) as batch_saved_usd,
        sum(case when is_token and is_batch then batch_uncompared_quantity end)
            as batch_uncompared_token_count,
        sum(case when is_token and is_unpriced then quantity else 0 end)
            as unpriced_token_count,
        sum(case when not is_token and is_unpriced then quantity else 0 end)
            as unpriced_other_unit_count
    from measured
    group by period_type, period_start, scope_type, scope_id

),

final as (

    select
        period_type,
        period_start,
        scope_type,
        scope_id,
        cast(ai_cost_usd as numeric(38, 12)) as ai_cost_usd,
        cast(token_count as numeric(38, 12)) as token_count,
        cast(input_token_count as numeric(38, 12)) as input_token_count,
        cast(cache_read_token_count as numeric(38, 12)) as cache_read_token_count,
        -- Without cached tokens caching saved nothing; where none of them has both
        -- prices, nobody knows what it saved.
        cast(
            case when cached_token_count = 0 then 0 else caching_saved_usd end
            as numeric(38, 12)
        ) as caching_saved_usd,
        cast(coalesce(caching_uncompared_token_count, 0) as numeric(38, 12))
            as caching_uncompared_token_count,
        cast(batch_token_count as numeric(38, 12)) as batch_token_count,
        cast(
            case when batch_token_count = 0 then 0 else batch_saved_usd end
            as numeric(38, 12)
        ) as batch_saved_usd,
        cast(coalesce(batch_uncompared_token_count, 0) as numeric(38, 12))
            as batch_uncompared_token_count,
        cast(unpriced_token_count as numeric(38, 12)) as unpriced_token_count,
        cast(unpriced_other_unit_count as numeric(38, 12)) as unpriced_other_unit_count
    from summed

)

select * from final
