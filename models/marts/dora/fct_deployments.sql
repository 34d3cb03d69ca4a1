-- One row per successful deployment to production; another attempt changed nothing and
-- is not here. Failed = linked to an incident, a rollback or a revert (see
-- failure_link_method).
with

deployments as (

    select * from {{ ref('int_deployments_judged') }}

),

final as (

    select
        deployment_id,
        service_id,
        team_id,
        repository,
        environment,
        failure_link_method,
        rework_reason,
        cast(commit_count as bigint) as commit_count,
        cast(change_count as bigint) as change_count,
        cast(bot_change_count as bigint) as bot_change_count,
        cast(incident_count as bigint) as incident_count,
        cast(recovery_seconds as bigint) as recovery_seconds,
        cast(recovery_from_detection_seconds as bigint)
            as recovery_from_detection_seconds,
        is_baseline,
        is_rollback,
        is_complete,
        is_failed,
        is_rework,
        finished_at,
        failed_at,
        recovered_at
    from deployments

)

select * from final
