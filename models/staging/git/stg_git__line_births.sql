-- One row per main-line commit and kind of file in which it added lines.
with

records as (

    select * from {{ latest(source('git', 'line_births')) }}

),

final as (

    select
        repository,
        commit_sha,
        file_kind,
        line_count
    from records

)

select * from final
