-- One row per deployment. It succeeded if it ever did: what is superseded becomes
-- inactive. A running one has neither status nor end.
with

records as (

    select * from {{ latest(source('github', 'deployments')) }}

),

final as (

    select
        'github:' || deployment_id as deployment_id,
        'github' as system,
        service_id,
        repository,
        environment,
        status,
        commit_sha,
        {{ entity_id('github', 'remediates_incident_id') }} as remediates_incident_id,
        false as is_baseline,
        coalesce(is_rollback, false) as is_rollback,
        coalesce(is_unplanned, false) as is_unplanned,
        true as is_complete,
        started_at,
        finished_at
    from records

)

select * from final
