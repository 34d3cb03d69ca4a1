-- One row per main-line commit, earlier one and kind of file in which it removed or
-- copied lines of that one.
with

records as (

    select * from {{ latest(source('git', 'line_deaths')) }}

),

final as (

    select
        repository,
        commit_sha,
        born_commit_sha,
        file_kind,
        line_count,
        replaced_line_count,
        copied_line_count
    from records

)

select * from final
