-- One row per successful production deployment, with what it shipped, whether it failed
-- and whether it was rework.
with

deployments as (

    select * from {{ ref('int_deployments_numbered') }}

),

deployment_commits as (

    select * from {{ ref('int_deployment_commits') }}

),

changes as (

    select * from {{ ref('int_changes_linked_to_deployments') }}

),

failures as (

    select * from {{ ref('int_deployments_failed') }}

),

rework as (

    select * from {{ ref('int_deployments_reworked') }}

),

commit_counts as (

    select
        deployment_id,
        count(*) as commit_count,
        count(case when is_baseline then 1 end) as baseline_commit_count
    from deployment_commits
    group by deployment_id

),

change_counts as (

    select
        deployment_id,
        count(case when not is_bot_change then 1 end) as change_count,
        count(case when is_bot_change then 1 end) as bot_change_count
    from changes
    where deployment_id is not null
    group by deployment_id

),

final as (

    select
        deployments.deployment_id,
        deployments.service_id,
        deployments.team_id,
        deployments.repository,
        deployments.environment,
        failures.failure_link_method,
        rework.rework_reason,
        coalesce(commit_counts.commit_count, 0) as commit_count,
        coalesce(change_counts.change_count, 0) as change_count,
        coalesce(change_counts.bot_change_count, 0) as bot_change_count,
        coalesce(failures.incident_count, 0) as incident_count,
        failures.recovery_seconds,
        failures.recovery_from_detection_seconds,
        deployments.is_baseline
        or coalesce(commit_counts.baseline_commit_count, 0) > 0 as is_baseline,
        deployments.is_rollback,
        deployments.is_complete,
        failures.deployment_id is not null as is_failed,
        rework.deployment_id is not null as is_rework,
        deployments.finished_at,
        failures.failed_at,
        failures.recovered_at
    from deployments
    left join commit_counts
        on deployments.deployment_id = commit_counts.deployment_id
    left join change_counts
        on deployments.deployment_id = change_counts.deployment_id
    left join failures
        on deployments.deployment_id = failures.deployment_id
    left join rework
        on deployments.deployment_id = rework.deployment_id

)

select * from final
