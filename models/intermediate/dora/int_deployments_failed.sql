-- One row per failed deployment, by the first rule that tells: explicit, rollback,
-- revert, incident_window. Several incidents make one failed deployment; its incidents
-- date its recovery, and only where there is none does the rollback or the revert.
with

deployments as (

    select * from {{ ref('int_deployments_numbered') }}

),

incidents as (

    select * from {{ ref('int_incidents_linked_to_deployments') }}

),

reverts as (

    select * from {{ ref('int_reverts_linked_to_deployments') }}

),

incident_times as (

    select
        deployment_id,
        count(*) as incident_count,
        count(case when link_method = 'explicit' then 1 end) as explicit_incident_count,
        count(resolved_at) as resolved_incident_count,
        min(coalesce(detected_at, opened_at)) as failed_at,
        min(detected_at) as detected_at,
        max(resolved_at) as last_resolved_at
    from incidents
    where deployment_id is not null
    group by deployment_id

),

revert_times as (

    select
        reverted_deployment_id as deployment_id,
        min(reverted_at) as reverted_at
    from reverts
    where is_failure
    group by reverted_deployment_id

),

joined as (

    select
        deployments.deployment_id,
        case
            when incident_times.explicit_incident_count > 0 then 'explicit'
            when deployments.rolled_back_at is not null then 'rollback'
            when revert_times.reverted_at is not null then 'revert'
            when incident_times.incident_count > 0 then 'incident_window'
        end as failure_link_method,
        coalesce(incident_times.incident_count, 0) as incident_count,
        deployments.finished_at,
        incident_times.failed_at,
        incident_times.detected_at,
        case
            when incident_times.incident_count is null
                then least(deployments.rolled_back_at, revert_times.reverted_at)
            when incident_times.resolved_incident_count = incident_times.incident_count
                then incident_times.last_resolved_at
        end as recovered_at
    from deployments
    left join incident_times
        on deployments.deployment_id = incident_times.deployment_id
    left join revert_times
        on deployments.deployment_id = revert_times.deployment_id

),

final as (

    select
        deployment_id,
        failure_link_method,
        incident_count,
        case
            when recovered_at >= finished_at
                then {{ seconds_between('finished_at', 'recovered_at') }}
        end as recovery_seconds,
        case
            when recovered_at >= detected_at
                then {{ seconds_between('detected_at', 'recovered_at') }}
        end as recovery_from_detection_seconds,
        failed_at,
        recovered_at
    from joined
    where failure_link_method is not null

)

select * from final
