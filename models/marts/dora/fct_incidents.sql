-- One row per incident, with the one deployment that caused it, if any (see
-- link_method). recovery_seconds is the incident's own, from its opening; a
-- deployment's is in fct_deployments.
with

incidents as (

    select * from {{ ref('int_incidents_linked_to_deployments') }}

),

final as (

    select
        incident_id,
        service_id,
        team_id,
        deployment_id,
        severity,
        link_method,
        case
            when resolved_at >= opened_at
                then cast({{ seconds_between('opened_at', 'resolved_at') }} as bigint)
        end as recovery_seconds,
        case
            when resolved_at >= detected_at
                then cast({{ seconds_between('detected_at', 'resolved_at') }} as bigint)
        end as recovery_from_detection_seconds,
        resolved_at is not null as is_resolved,
        opened_at,
        detected_at,
        acknowledged_at,
        resolved_at
    from incidents

)

select * from final
