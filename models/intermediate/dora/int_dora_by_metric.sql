-- One row per scope, quarter and DORA metric: the five columns of dora_quarterly that
-- benchmarks speak of, below one another.
with

metrics as (

    select * from {{ ref('int_dora_by_scope_and_period') }}
    where period_type = 'quarter'

),

scores as (

    select * from {{ ref('int_dora_scored') }}
    where period_type = 'quarter'

),

figures as (

    select
        metrics.scope_type,
        metrics.scope_id,
        metrics.period_start,
        metrics.deployments_per_week,
        metrics.median_change_lead_time_hours,
        metrics.median_failed_deployment_recovery_hours,
        metrics.change_fail_rate,
        metrics.deployment_rework_rate,
        scores.change_lead_time_score,
        scores.deployment_frequency_score,
        scores.failed_deployment_recovery_time_score,
        scores.change_fail_rate_score,
        scores.deployment_rework_rate_score
    from metrics
    inner join scores
        on
            metrics.scope_type = scores.scope_type
            and metrics.scope_id = scores.scope_id
            and metrics.period_start = scores.period_start

),

final as (

    select
        scope_type,
        scope_id,
        period_start,
        'change_lead_time' as metric,
        'hours' as unit,
        median_change_lead_time_hours as metric_value,
        change_lead_time_score as score
    from figures

    union all

    select
        scope_type,
        scope_id,
        period_start,
        'deployment_frequency' as metric,
        'deployments per week' as unit,
        deployments_per_week as metric_value,
        deployment_frequency_score as score
    from figures

    union all

    select
        scope_type,
        scope_id,
        period_start,
        'failed_deployment_recovery_time' as metric,
        'hours' as unit,
        median_failed_deployment_recovery_hours as metric_value,
        failed_deployment_recovery_time_score as score
    from figures

    union all

    select
        scope_type,
        scope_id,
        period_start,
        'change_fail_rate' as metric,
        'share' as unit,
        change_fail_rate as metric_value,
        change_fail_rate_score as score
    from figures

    union all

    select
        scope_type,
        scope_id,
        period_start,
        'deployment_rework_rate' as metric,
        'share' as unit,
        deployment_rework_rate as metric_value,
        deployment_rework_rate_score as score
    from figures

)

select * from final
