-- One row per incident, from one system per service (core_source_choices).
with

incidents as (

    select * from {{ union_systems('incidents') }}

),

source_choices as (

    select * from {{ ref('core_source_choices') }}
    where stream = 'incidents' and is_chosen

),

final as (

    select
        incidents.incident_id,
        incidents.system,
        incidents.service_id,
        incidents.severity,
        incidents.caused_by_deployment_id,
        incidents.opened_at,
        {{ seen('incidents.detected_at') }} as detected_at,
        {{ seen('incidents.acknowledged_at') }} as acknowledged_at,
        {{ seen('incidents.resolved_at') }} as resolved_at
    from incidents
    left join source_choices
        on
            source_choices.owner_id = incidents.service_id
            and source_choices.system = incidents.system
    where
        incidents.opened_at < {{ as_of() }}
        -- Without a service nobody can tell whether two systems mean the same incident.
        and (incidents.service_id is null or source_choices.system is not null)

)

select * from final
