-- One row per commit that another one in its repository reverts, and that other one.
with

commits as (

    select * from {{ union_systems('commits', ['files', 'git']) }}

),

reverts as (

    select
        repository,
        {{ explode_list('reverted_commit_shas') }} as reverted_commit_sha,
        commit_sha as revert_commit_sha
    from commits
    where coalesce(committed_at, authored_at) < {{ as_of() }}

),

final as (

    select distinct
        repository,
        reverted_commit_sha,
        revert_commit_sha
    from reverts

)

select * from final
