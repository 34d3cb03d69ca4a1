-- Every scope and quarter has 13 benchmarks (five metrics of 2025, four of 2023 and of
-- 2021); a tier exactly where an older edition finds a value, a difference exactly
-- where there is a score; scores are those of dora_quarterly. Returns the scopes that
-- differ.
with

benchmarks as (

    select * from {{ ref('dora_benchmarks_quarterly') }}

),

dora as (

    select * from {{ ref('dora_quarterly') }}

)

select
    dora.scope_type,
    dora.scope_id,
    dora.period_start
from dora
left join benchmarks
    on
        dora.scope_type = benchmarks.scope_type
        and dora.scope_id = benchmarks.scope_id
        and dora.period_start = benchmarks.period_start
group by
    dora.scope_type,
    dora.scope_id,
    dora.period_start,
    dora.change_lead_time_score,
    dora.deployment_frequency_score,
    dora.failed_deployment_recovery_time_score,
    dora.change_fail_rate_score,
    dora.deployment_rework_rate_score
having
    count(*) <> 13
    or count(benchmarks.value) - count(benchmarks.score) <> count(benchmarks.tier)
    or count(benchmarks.score) <> count(benchmarks.standard_deviations_from_mean)
    or abs(
        coalesce(sum(benchmarks.score), 0) - coalesce(dora.change_lead_time_score, 0)
        - coalesce(dora.deployment_frequency_score, 0)
        - coalesce(dora.failed_deployment_recovery_time_score, 0)
        - coalesce(dora.change_fail_rate_score, 0)
        - coalesce(dora.deployment_rework_rate_score, 0)
    ) > 0.000000001
