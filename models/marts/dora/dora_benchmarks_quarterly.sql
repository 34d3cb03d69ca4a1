-- One row per scope, quarter of the fiscal year, edition of the DORA report and metric
-- of that edition. The 2025 edition has means by industry and no tiers, the older ones
-- have tiers.
with

scopes as (

    select * from {{ ref('int_scopes') }}

),

periods as (

    select * from {{ ref('int_periods') }}
    where period_type = 'quarter'

),

benchmarked as (

    select * from {{ ref('int_dora_benchmarked') }}

),

final as (

    select
        benchmarked.scope_type,
        benchmarked.scope_id,
        benchmarked.period_start,
        benchmarked.edition,
        benchmarked.metric,
        scopes.scope_name,
        benchmarked.unit,
        benchmarked.industry,
        benchmarked.tier,
        benchmarked.metric_value as value,
        benchmarked.score,
        benchmarked.benchmark_mean,
        benchmarked.benchmark_standard_deviation,
        benchmarked.standard_deviations_from_mean,
        periods.is_partial_period,
        periods.period_end
    from benchmarked
    inner join scopes
        on
            benchmarked.scope_type = scopes.scope_type
            and benchmarked.scope_id = scopes.scope_id
    inner join periods
        on benchmarked.period_start = periods.period_start

)

select * from final
