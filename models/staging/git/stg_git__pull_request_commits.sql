-- One row per commit of a merged change and repository; a fork repeats its origin's.
with

records as (

    select * from {{ latest(source('git', 'pull_request_commits')) }}

),

final as (

    select
        'git:' || merge_commit_sha as pull_request_id,
        commit_sha,
        repository,
        merge_commit_sha,
        authored_at
    from records

)

select * from final
