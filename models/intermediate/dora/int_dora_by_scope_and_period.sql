-- One row per scope and period, dense: a scope that did nothing has zeros, and null
-- where a figure would be over nothing.
with

scopes as (

    select * from {{ ref('int_scopes') }}

),

periods as (

    select * from {{ ref('int_periods') }}

),

deployments as (

    select * from {{ ref('int_deployments_by_scope_and_period') }}

),

changes as (

    select * from {{ ref('int_changes_by_scope_and_period') }}

),

spine as (

    select
        scopes.scope_type,
        scopes.scope_id,
        scopes.scope_name,
        periods.period_type,
        periods.period_start,
        periods.period_end,
        periods.whole_day_count,
        periods.is_partial_period
    from scopes
    cross join periods

),

counted as (

    select
        spine.scope_type,
        spine.scope_id,
        spine.scope_name,
        spine.period_type,
        spine.period_start,
        spine.period_end,
        spine.is_partial_period,
        spine.whole_day_count,
        coalesce(deployments.deployment_count, 0) as deployment_count,
        coalesce(deployments.deployment_day_count, 0) as deployment_day_count,
        coalesce(
            deployments.whole_day_deployment_count, 0
        ) as whole_day_deployment_count,
        coalesce(changes.change_count, 0) as change_count,
        coalesce(changes.deployed_change_count, 0) as deployed_change_count,
        coalesce(
            changes.lead_time_known_change_count, 0
        ) as lead_time_known_change_count,
        coalesce(changes.no_baseline_change_count, 0) as no_baseline_change_count,
        coalesce(changes.no_service_change_count, 0) as no_service_change_count,
        coalesce(changes.not_deployed_change_count, 0) as not_deployed_change_count,
        coalesce(
            changes.deployed_before_merge_change_count, 0
        ) as deployed_before_merge_change_count,
        coalesce(changes.no_commits_change_count, 0) as no_commits_change_count,
        coalesce(
            changes.deployed_before_first_commit_change_count, 0
        ) as deployed_before_first_commit_change_count,
        coalesce(changes.negative_stage_count, 0) as negative_stage_count,
        changes.median_change_lead_time_seconds,
        changes.p90_change_lead_time_seconds,
        changes.total_coding_seconds,
        changes.coding_count,
        changes.total_pickup_seconds,
        changes.pickup_count,
        changes.total_review_seconds,
        changes.review_count,
        changes.total_deploy_seconds,
        changes.deploy_count,
        coalesce(deployments.failed_deployment_count, 0) as failed_deployment_count,
        coalesce(deployments.explicit_failure_count, 0) as explicit_failure_count,
        coalesce(deployments.rollback_failure_count, 0) as rollback_failure_count,
        coalesce(deployments.revert_failure_count, 0) as revert_failure_count,
        coalesce(
            deployments.incident_window_failure_count, 0
        ) as incident_window_failure_count,
        coalesce(
            deployments.recovered_deployment_count, 0
        ) as recovered_deployment_count,
        deployments.median_recovery_seconds,
        deployments.p90_recovery_seconds,
        deployments.median_recovery_from_detection_seconds,
        deployments.p90_recovery_from_detection_seconds,
        coalesce(deployments.open_failure_count, 0) as open_failure_count,
        coalesce(deployments.rework_deployment_count, 0) as rework_deployment_count
    from spine
    left join deployments
        on
            spine.scope_type = deployments.scope_type
            and spine.scope_id = deployments.scope_id
            and spine.period_type = deployments.period_type
            and spine.period_start = deployments.period_start
    left join changes
        on
            spine.scope_type = changes.scope_type
            and spine.scope_id = changes.scope_id
            and spine.period_type = changes.period_type
            and spine.period_start = changes.period_start

),

final as (

    select
        scope_type,
        scope_id,
        scope_name,
        period_type,
        period_start,
        period_end,
        is_partial_period,
        whole_day_count,
        deployment_count,
        deployment_day_count,
        whole_day_deployment_count,
        {{ share('whole_day_deployment_count * 7', 'whole_day_count') }}
            as deployments_per_week,
        change_count,
        deployed_change_count,
        lead_time_known_change_count,
        {{ share('lead_time_known_change_count', 'change_count') }}
            as lead_time_known_share,
        no_baseline_change_count,
        no_service_change_count,
        not_deployed_change_count,
        deployed_before_merge_change_count,
        no_commits_change_count,
        deployed_before_first_commit_change_count,
        negative_stage_count,
        {{ hours('median_change_lead_time_seconds') }} as median_change_lead_time_hours,
        {{ hours('p90_change_lead_time_seconds') }} as p90_change_lead_time_hours,
        {{ hours(share('total_coding_seconds', 'coding_count')) }} as mean_coding_hours,
        {{ hours(share('total_pickup_seconds', 'pickup_count')) }} as mean_pickup_hours,
        {{ hours(share('total_review_seconds', 'review_count')) }} as mean_review_hours,
        {{ hours(share('total_deploy_seconds', 'deploy_count')) }} as mean_deploy_hours,
        failed_deployment_count,
        {{ share('failed_deployment_count', 'deployment_count') }} as change_fail_rate,
        explicit_failure_count,
        rollback_failure_count,
        revert_failure_count,
        incident_window_failure_count,
        {{ share('explicit_failure_count', 'failed_deployment_count') }}
            as explicit_failure_share,
        {{ share('rollback_failure_count', 'failed_deployment_count') }}
            as rollback_failure_share,
        {{ share('revert_failure_count', 'failed_deployment_count') }}
            as revert_failure_share,
        {{ share('incident_window_failure_count', 'failed_deployment_count') }}
            as incident_window_failure_share,
        recovered_deployment_count,
        {{ hours('median_recovery_seconds') }}
            as median_failed_deployment_recovery_hours,
        {{ hours('p90_recovery_seconds') }} as p90_failed_deployment_recovery_hours,
        {{ hours('median_recovery_from_detection_seconds') }}
            as median_recovery_from_detection_hours,
        {{ hours('p90_recovery_from_detection_seconds') }}
            as p90_recovery_from_detection_hours,
        open_failure_count,
        rework_deployment_count,
        {{ share('rework_deployment_count', 'deployment_count') }}
            as deployment_rework_rate
    from counted

)

select * from final
