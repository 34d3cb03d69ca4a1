-- One row per deployment, from one system per service (core_source_choices). One that
-- as_of sees running has no status and no end yet.
with

deployments as (

    select * from {{ union_systems('deployments') }}

),

source_choices as (

    select * from {{ ref('core_source_choices') }}
    where stream = 'deployments' and is_chosen

),

services as (

    select * from {{ ref('core_services') }}

),

final as (

    select
        deployments.deployment_id,
        deployments.system,
        deployments.service_id,
        coalesce(deployments.repository, services.repository) as repository,
        deployments.environment,
        case
            when deployments.finished_at < {{ as_of() }} then deployments.status
        end as status,
        deployments.commit_sha,
        deployments.remediates_incident_id,
        {{ list_contains('deployments.environment', var('production_environments')) }}
            as is_production,
        deployments.is_baseline,
        deployments.is_rollback,
        deployments.is_unplanned,
        deployments.is_complete,
        deployments.started_at,
        {{ seen('deployments.finished_at') }} as finished_at
    from deployments
    inner join source_choices
        on
            source_choices.owner_id = deployments.service_id
            and source_choices.system = deployments.system
    left join services
        on services.service_id = deployments.service_id
    where coalesce(deployments.started_at, deployments.finished_at) < {{ as_of() }}

)

select * from final
