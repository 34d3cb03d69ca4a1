{#-
    The DORA table of one kind of period: one list of columns for the three marts.

    usage:  {{ dora_periods('week') }}
-#}
{% macro dora_periods(period_type) -%}
with

metrics as (

    select * from {{ ref('int_dora_by_scope_and_period') }}
    where period_type = '{{ period_type }}'

),

scores as (

    select * from {{ ref('int_dora_scored') }}
    where period_type = '{{ period_type }}'

),

final as (

    select
        metrics.scope_type,
        metrics.scope_id,
        metrics.period_start,
        metrics.scope_name,
        scores.benchmark_edition,
        cast(metrics.whole_day_count as bigint) as whole_day_count,
        cast(metrics.deployment_count as bigint) as deployment_count,
        cast(metrics.deployment_day_count as bigint) as deployment_day_count,
        cast(metrics.whole_day_deployment_count as bigint)
            as whole_day_deployment_count,
        metrics.deployments_per_week,
        cast(metrics.change_count as bigint) as change_count,
        cast(metrics.deployed_change_count as bigint) as deployed_change_count,
        cast(metrics.lead_time_known_change_count as bigint)
            as lead_time_known_change_count,
        metrics.lead_time_known_share,
        cast(metrics.no_baseline_change_count as bigint) as no_baseline_change_count,
        cast(metrics.no_service_change_count as bigint) as no_service_change_count,
        cast(metrics.not_deployed_change_count as bigint) as not_deployed_change_count,
        cast(metrics.deployed_before_merge_change_count as bigint)
            as deployed_before_merge_change_count,
        cast(metrics.no_commits_change_count as bigint) as no_commits_change_count,
        cast(metrics.deployed_before_first_commit_change_count as bigint)
            as deployed_before_first_commit_change_count,
        cast(metrics.negative_stage_count as bigint) as negative_stage_count,
        metrics.median_change_lead_time_hours,
        metrics.p90_change_lead_time_hours,
        metrics.mean_coding_hours,
        metrics.mean_pickup_hours,
        metrics.mean_review_hours,
        metrics.mean_deploy_hours,
        cast(metrics.failed_deployment_count as bigint) as failed_deployment_count,
        metrics.change_fail_rate,
        cast(metrics.explicit_failure_count as bigint) as explicit_failure_count,
        cast(metrics.rollback_failure_count as bigint) as rollback_failure_count,
        cast(metrics.revert_failure_count as bigint) as revert_failure_count,
        cast(metrics.incident_window_failure_count as bigint)
            as incident_window_failure_count,
        metrics.explicit_failure_share,
        metrics.rollback_failure_share,
        metrics.revert_failure_share,
        metrics.incident_window_failure_share,
        cast(metrics.recovered_deployment_count as bigint)
            as recovered_deployment_count,
        metrics.median_failed_deployment_recovery_hours,
        metrics.p90_failed_deployment_recovery_hours,
        metrics.median_recovery_from_detection_hours,
        metrics.p90_recovery_from_detection_hours,
        cast(metrics.open_failure_count as bigint) as open_failure_count,
        cast(metrics.rework_deployment_count as bigint) as rework_deployment_count,
        metrics.deployment_rework_rate,
        scores.change_lead_time_score,
        scores.deployment_frequency_score,
        scores.failed_deployment_recovery_time_score,
        scores.change_fail_rate_score,
        scores.deployment_rework_rate_score,
        scores.dora_score,
        metrics.deployment_count < {{ var('small_sample_size') }} as is_small_sample,
        metrics.is_partial_period,
        metrics.period_end
    from metrics
    inner join scores
        on
            metrics.scope_type = scores.scope_type
            and metrics.scope_id = scores.scope_id
            and metrics.period_start = scores.period_start

)

select * from final
{%- endmacro %}
