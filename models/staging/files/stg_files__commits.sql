-- One row per commit in a repository. A feed does not know the main line.
with

records as (

    select * from {{ latest(source('files', 'commits')) }}

),

final as (

    select
        repository,
        commit_sha,
        'files' as system,
        author_id,
        reverted_commit_shas,
        additions,
        deletions,
        cast(null as bigint) as changed_file_count,
        cast(null as bigint) as parent_count,
        cast(null as bigint) as mainline_position,
        author_is_bot,
        cast(null as boolean) as is_mainline,
        authored_at,
        committed_at
    from records

)

select * from final
