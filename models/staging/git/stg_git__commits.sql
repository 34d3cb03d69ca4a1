-- One row per commit in a repository.
with

records as (

    select * from {{ latest(source('git', 'commits')) }}

),

final as (

    select
        repository,
        commit_sha,
        'git' as system,
        author_id,
        reverted_commit_shas,
        additions,
        deletions,
        changed_file_count,
        parent_count,
        mainline_position,
        author_is_bot,
        is_mainline,
        authored_at,
        committed_at
    from records

)

select * from final
