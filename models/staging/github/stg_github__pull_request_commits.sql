-- One row per commit of a pull request, as its newest reading lists them: a force push
-- takes commits away.
with

records as (

    select * from {{ latest(source('github', 'pull_request_commits')) }}

),

dated as (

    select
        pull_request_id,
        commit_sha,
        authored_at,
        pull_request_updated_at,
        max(pull_request_updated_at) over (
            partition by pull_request_id
        ) as newest_updated_at
    from records

),

final as (

    select
        'github:' || pull_request_id as pull_request_id,
        commit_sha,
        cast(null as text) as repository,
        cast(null as text) as merge_commit_sha,
        authored_at
    from dated
    where pull_request_updated_at = newest_updated_at

)

select * from final
