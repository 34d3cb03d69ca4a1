-- One row per incident. One that was merged into another is that other one.
with

records as (

    select * from {{ latest(source('pagerduty', 'incidents')) }}

),

final as (

    select
        'pagerduty:' || incident_id as incident_id,
        'pagerduty' as system,
        service_id,
        severity,
        {{ entity_id('pagerduty', 'caused_by_deployment_id') }}
            as caused_by_deployment_id,
        opened_at,
        detected_at,
        acknowledged_at,
        resolved_at
    from records
    where merged_into_incident_id is null

)

select * from final
