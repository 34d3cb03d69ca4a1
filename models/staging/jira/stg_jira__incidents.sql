-- One row per issue that the configuration's question takes for an incident. Jira does
-- not know when it was noticed.
with

records as (

    select * from {{ latest(source('jira', 'incidents')) }}

),

final as (

    select
        'jira:' || incident_id as incident_id,
        'jira' as system,
        service_id,
        severity,
        {{ entity_id('jira', 'caused_by_deployment_id') }} as caused_by_deployment_id,
        opened_at,
        cast(null as timestamp) as detected_at,
        acknowledged_at,
        resolved_at
    from records

)

select * from final
