-- One row per release. The first on its line is a baseline: what it ships was never
-- released, but nobody knows since when it could have been.
with

records as (

    select * from {{ latest(source('git', 'deployments')) }}

),

final as (

    select
        'git:' || service_id || '@' || release as deployment_id,
        'git' as system,
        service_id,
        repository,
        environment,
        'success' as status,
        commit_sha,
        cast(null as text) as remediates_incident_id,
        previous_release is null as is_baseline,
        coalesce(is_rollback, false) as is_rollback,
        false as is_unplanned,
        coalesce(is_complete, true) as is_complete,
        cast(null as timestamp) as started_at,
        finished_at
    from records

)

select * from final
