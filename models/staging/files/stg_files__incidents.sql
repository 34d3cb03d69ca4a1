-- One row per incident.
with

records as (

    select * from {{ latest(source('files', 'incidents')) }}

),

final as (

    select
        'files:' || incident_id as incident_id,
        'files' as system,
        service_id,
        severity,
        {{ entity_id('files', 'caused_by_deployment_id') }} as caused_by_deployment_id,
        opened_at,
        detected_at,
        acknowledged_at,
        resolved_at
    from records

)

select * from final
