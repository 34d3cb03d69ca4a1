-- One row per commit that a deployment of the feeds says it ships.
with

records as (

    select * from {{ latest(source('files', 'deployment_commits')) }}

),

final as (

    select
        {{ entity_id('files', 'deployment_id') }} as deployment_id,
        commit_sha,
        'explicit' as link_method
    from records

)

select * from final
