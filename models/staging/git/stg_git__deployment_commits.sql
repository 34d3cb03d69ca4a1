-- One row per commit that a release ships and the one before it does not.
with

records as (

    select * from {{ latest(source('git', 'deployment_commits')) }}

),

final as (

    select
        'git:' || service_id || '@' || release as deployment_id,
        commit_sha,
        'commit_range' as link_method
    from records

)

select * from final
