-- One row per repository that is read.
with

records as (

    select * from {{ latest(source('git', 'repositories')) }}

),

final as (

    select
        repository,
        default_branch,
        commit_count,
        unreadable_commit_count,
        tag_count,
        is_shallow,
        is_partial
    from records

)

select * from final
