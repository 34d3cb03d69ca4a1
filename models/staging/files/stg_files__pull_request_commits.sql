-- One row per commit of a pull request of the feeds.
with

records as (

    select * from {{ latest(source('files', 'pull_request_commits')) }}

),

final as (

    select
        {{ entity_id('files', 'pull_request_id') }} as pull_request_id,
        commit_sha,
        cast(null as text) as repository,
        cast(null as text) as merge_commit_sha,
        authored_at
    from records

)

select * from final
