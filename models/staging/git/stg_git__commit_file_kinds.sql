-- One row per kind of file that a commit in a repository changed.
with

records as (

    select * from {{ latest(source('git', 'commit_file_kinds')) }}

),

final as (

    select
        repository,
        commit_sha,
        file_kind,
        additions,
        deletions,
        changed_file_count
    from records

)

select * from final
