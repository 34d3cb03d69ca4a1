-- One row per incident, with the one deployment that caused it, if any: the one it
-- names, else the latest of its service that finished before it opened, within the
-- failure window. A name that is no successful production deployment falls through to
-- the window.
with

incidents as (

    select * from {{ ref('core_incidents') }}

),

services as (

    select * from {{ ref('core_services') }}

),

deployments as (

    select * from {{ ref('int_deployments_numbered') }}

),

moments as (

    select
        service_id,
        incident_id,
        opened_at as moment,
        0 as is_deployment
    from incidents
    where service_id is not null

    union all

    select
        service_id,
        null as incident_id,
        finished_at as moment,
        1 as is_deployment
    from deployments

),

counted as (

    select
        incident_id,
        sum(is_deployment) over (
            partition by service_id
            order by moment, is_deployment
            rows between unbounded preceding and current row
        ) as earlier_deployment_count
    from moments

),

earlier_deployments as (

    select
        incident_id,
        earlier_deployment_count
    from counted
    where incident_id is not null

),

candidates as (

    select
        incidents.incident_id,
        incidents.service_id,
        coalesce(services.team_id, 'unattributed') as team_id,
        named.deployment_id as named_deployment_id,
        case
            when
                {{ seconds_between('latest.finished_at', 'incidents.opened_at') }}
                <= {{ var('failure_window_hours') }} * 3600
                then latest.deployment_id
        end as latest_deployment_id,
        incidents.severity,
        incidents.opened_at,
        incidents.detected_at,
        incidents.acknowledged_at,
        incidents.resolved_at
    from incidents
    left join services
        on incidents.service_id = services.service_id
    left join deployments as named
        on incidents.caused_by_deployment_id = named.deployment_id
    left join earlier_deployments
        on incidents.incident_id = earlier_deployments.incident_id
    left join deployments as latest
        on
            incidents.service_id = latest.service_id
            and earlier_deployments.earlier_deployment_count = latest.deployment_number

),

final as (

    select
        incident_id,
        service_id,
        team_id,
        coalesce(named_deployment_id, latest_deployment_id) as deployment_id,
        severity,
        case
            when named_deployment_id is not null then 'explicit'
            when latest_deployment_id is not null then 'incident_window'
        end as link_method,
        opened_at,
        detected_at,
        acknowledged_at,
        resolved_at
    from candidates

)

select * from final
