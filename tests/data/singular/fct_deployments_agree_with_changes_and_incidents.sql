-- A deployment counts the changes and incidents that name it, no more and no fewer; it
-- failed exactly where a rule says how, was rework exactly where there is a reason, and
-- recovered only if it failed. Returns the deployments that break one of these.
with

deployments as (

    select * from {{ ref('fct_deployments') }}

),

changes as (

    select
        deployment_id,
        count(case when not is_bot_change then 1 end) as change_count,
        count(case when is_bot_change then 1 end) as bot_change_count
    from {{ ref('fct_changes') }}
    where deployment_id is not null
    group by deployment_id

),

incidents as (

    select
        deployment_id,
        count(*) as incident_count
    from {{ ref('fct_incidents') }}
    where deployment_id is not null
    group by deployment_id

)

select deployments.deployment_id
from deployments
left join changes
    on deployments.deployment_id = changes.deployment_id
left join incidents
    on deployments.deployment_id = incidents.deployment_id
where
    deployments.change_count <> coalesce(changes.change_count, 0)
    or deployments.bot_change_count <> coalesce(changes.bot_change_count, 0)
    or deployments.incident_count <> coalesce(incidents.incident_count, 0)
    or deployments.is_failed <> (deployments.failure_link_method is not null)
    or deployments.is_rework <> (deployments.rework_reason is not null)
    or (deployments.incident_count > 0 and not deployments.is_failed)
    or (deployments.recovered_at is not null and not deployments.is_failed)
    or deployments.recovery_seconds < 0
    or deployments.recovery_from_detection_seconds < 0
    or (deployments.failed_at is null) <> (deployments.incident_count = 0)
