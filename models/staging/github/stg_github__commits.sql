-- One row per commit in a repository that a pull request brought or was merged by.
with

records as (

    select * from {{ latest(source('github', 'commits')) }}

),

final as (

    select
        repository,
        commit_sha,
        'github' as system,
        author_id,
        reverted_commit_shas,
        additions,
        deletions,
        changed_file_count,
        cast(null as bigint) as parent_count,
        cast(null as bigint) as mainline_position,
        author_is_bot,
        cast(null as boolean) as is_mainline,
        authored_at,
        committed_at
    from records

)

select * from final
