-- One row per scope and period: each of the five metrics' place on the benchmark's
-- scale of 0 to 10, null where the metric is. Overall = their mean, and only where all
-- five are known.
with

metrics as (

    select * from {{ ref('int_dora_by_scope_and_period') }}

),

categories as (

    select * from {{ ref('dora_score_categories') }}
    where edition = '2025'

),

editions as (

    select edition
    from categories
    group by edition

),

scored as (

    select
        metrics.scope_type,
        metrics.scope_id,
        metrics.period_type,
        metrics.period_start,
        editions.edition as benchmark_edition,
        {{ category_score('lead_time.category') }} as change_lead_time_score,
        {{ category_score('frequency.category') }} as deployment_frequency_score,
        {{ category_score('recovery.category') }}
            as failed_deployment_recovery_time_score,
        {{ rate_score('metrics.change_fail_rate') }} as change_fail_rate_score,
        {{ rate_score('metrics.deployment_rework_rate') }}
            as deployment_rework_rate_score
    from metrics
    cross join editions
    left join categories as lead_time
        on
            lead_time.metric = 'change_lead_time'
            and metrics.median_change_lead_time_hours >= lead_time.lower_bound
            and metrics.median_change_lead_time_hours < lead_time.upper_bound
    left join categories as frequency
        on
            frequency.metric = 'deployment_frequency'
            and metrics.deployments_per_week >= frequency.lower_bound
            and metrics.deployments_per_week < frequency.upper_bound
    left join categories as recovery
        on
            recovery.metric = 'failed_deployment_recovery_time'
            and metrics.median_failed_deployment_recovery_hours >= recovery.lower_bound
            and metrics.median_failed_deployment_recovery_hours < recovery.upper_bound

),

final as (

    select
        scope_type,
        scope_id,
        period_type,
        period_start,
        benchmark_edition,
        change_lead_time_score,
        deployment_frequency_score,
        failed_deployment_recovery_time_score,
        change_fail_rate_score,
        deployment_rework_rate_score,
        (
            change_lead_time_score
            + deployment_frequency_score
            + failed_deployment_recovery_time_score
            + change_fail_rate_score
            + deployment_rework_rate_score
        ) / 5 as dora_score
    from scored

)

select * from final
