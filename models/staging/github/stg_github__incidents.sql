-- One row per issue that a label makes an incident. When it was noticed and taken on,
-- an issue does not say.
with

records as (

    select * from {{ latest(source('github', 'issues')) }}

),

final as (

    select
        'github:' || issue_id as incident_id,
        'github' as system,
        service_id,
        severity,
        cast(null as text) as caused_by_deployment_id,
        created_at as opened_at,
        cast(null as timestamp) as detected_at,
        cast(null as timestamp) as acknowledged_at,
        closed_at as resolved_at
    from records
    where is_incident

)

select * from final
