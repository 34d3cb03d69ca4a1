-- One row per successful production deployment, numbered within its service by finish
-- (at one moment the larger deployment_id is the later). A rollback is marked as one,
-- or goes back to an earlier commit.
with

deployments as (

    select * from {{ ref('core_deployments') }}

),

services as (

    select * from {{ ref('core_services') }}

),

production_deployments as (

    select
        deployment_id,
        service_id,
        repository,
        environment,
        commit_sha,
        is_baseline,
        is_rollback,
        is_unplanned,
        is_complete,
        remediates_incident_id is not null as is_remediation,
        finished_at,
        row_number() over (
            partition by service_id
            order by finished_at, {{ byte_order('deployment_id') }}
        ) as deployment_number
    from deployments
    where
        is_production
        and status = 'success'
        and finished_at is not null

),

compared as (

    select
        production_deployments.*,
        lag(commit_sha) over (
            partition by service_id order by deployment_number
        ) as previous_commit_sha,
        min(deployment_number) over (
            partition by service_id, commit_sha
        ) as commit_deployment_number
    from production_deployments

),

judged as (

    select
        deployment_id,
        service_id,
        repository,
        environment,
        commit_sha,
        deployment_number,
        is_baseline,
        is_unplanned,
        is_complete,
        is_remediation,
        finished_at,
        coalesce(
            is_rollback
            or (
                commit_deployment_number < deployment_number
                and commit_sha <> previous_commit_sha
            ),
            false
        ) as is_rollback
    from compared

),

left_behind as (

    select
        judged.*,
        lead(is_rollback) over (
            partition by service_id order by deployment_number
        ) as is_left_by_rollback,
        lead(finished_at) over (
            partition by service_id order by deployment_number
        ) as next_finished_at
    from judged

),

final as (

    select
        left_behind.deployment_id,
        left_behind.service_id,
        coalesce(services.team_id, 'unattributed') as team_id,
        coalesce(left_behind.repository, services.repository) as repository,
        left_behind.environment,
        left_behind.commit_sha,
        left_behind.deployment_number,
        left_behind.is_baseline,
        left_behind.is_rollback,
        left_behind.is_unplanned,
        left_behind.is_remediation,
        left_behind.is_complete,
        left_behind.finished_at,
        case
            when left_behind.is_left_by_rollback then left_behind.next_finished_at
        end as rolled_back_at
    from left_behind
    left join services
        on left_behind.service_id = services.service_id

)

select * from final
