-- One row per deployment of the feeds. Only git can tell a first release from the
-- others.
with

records as (

    select * from {{ latest(source('files', 'deployments')) }}

),

final as (

    select
        'files:' || deployment_id as deployment_id,
        'files' as system,
        service_id,
        cast(null as text) as repository,
        environment,
        status,
        commit_sha,
        {{ entity_id('files', 'remediates_incident_id') }} as remediates_incident_id,
        false as is_baseline,
        coalesce(is_rollback, false) as is_rollback,
        coalesce(is_unplanned, false) as is_unplanned,
        true as is_complete,
        started_at,
        finished_at
    from records

)

select * from final
