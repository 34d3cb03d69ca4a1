-- One row per scope, quarter, edition and metric of the edition: how far the score lies
-- from the industry's mean, or the best tier whose bound the value keeps. So a value in
-- a gap between two published tiers has the lower one, and of two that overlap the
-- better.
with

figures as (

    select * from {{ ref('int_dora_by_metric') }}

),

industry_means as (

    select * from {{ ref('dora_benchmarks') }}
    where industry = '{{ var("benchmark_industry") }}'

),

tiers as (

    select * from {{ ref('dora_tiers') }}

),

against_means as (

    select
        figures.scope_type,
        figures.scope_id,
        figures.period_start,
        industry_means.edition,
        figures.metric,
        figures.unit,
        industry_means.industry,
        cast(null as bigint) as tier_rank,
        figures.metric_value,
        figures.score,
        industry_means.mean as benchmark_mean,
        industry_means.standard_deviation as benchmark_standard_deviation
    from figures
    inner join industry_means
        on figures.metric = industry_means.metric

),

against_tiers as (

    select
        figures.scope_type,
        figures.scope_id,
        figures.period_start,
        tiers.edition,
        figures.metric,
        figures.unit,
        figures.metric_value,
        min(
            case
                when tiers.comparison = 'below' and figures.metric_value < tiers.bound
                    then tiers.tier_rank
                when
                    tiers.comparison = 'at_most'
                    and figures.metric_value <= tiers.bound
                    then tiers.tier_rank
                when
                    tiers.comparison = 'at_least'
                    and figures.metric_value >= tiers.bound
                    then tiers.tier_rank
            end
        ) as tier_rank
    from figures
    inner join tiers
        on figures.metric = tiers.metric
    group by
        figures.scope_type,
        figures.scope_id,
        figures.period_start,
        tiers.edition,
        figures.metric,
        figures.unit,
        figures.metric_value

),

compared as (

    select
        scope_type,
        scope_id,
        period_start,
        edition,
        metric,
        unit,
        industry,
        tier_rank,
        metric_value,
        score,
        benchmark_mean,
        benchmark_standard_deviation
    from against_means

    union all

    select
        scope_type,
        scope_id,
        period_start,
        edition,
        metric,
        unit,
        null as industry,
        tier_rank,
        metric_value,
        null as score,
        null as benchmark_mean,
        null as benchmark_standard_deviation
    from against_tiers

),

final as (

    select
        compared.scope_type,
        compared.scope_id,
        compared.period_start,
        compared.edition,
        compared.metric,
        compared.unit,
        compared.industry,
        tiers.tier,
        compared.metric_value,
        compared.score,
        compared.benchmark_mean,
        compared.benchmark_standard_deviation,
        (compared.score - compared.benchmark_mean)
        / compared.benchmark_standard_deviation as standard_deviations_from_mean
    from compared
    left join tiers
        on
            compared.edition = tiers.edition
            and compared.metric = tiers.metric
            and compared.tier_rank = tiers.tier_rank

)

select * from final
