-- One row per merged change whose merge commit added lines, with how many of them were
-- gone within the rework window after it; rewritten = more than half.
with

commits as (

    select * from {{ ref('int_lines_mainline_commits') }}
    where pull_request_id is not null

),

surviving as (

    select * from {{ ref('int_lines_surviving_by_age') }}
    where age_days = {{ var('rework_window_days') }}

),

final as (

    select
        commits.pull_request_id,
        surviving.line_count as added_line_count,
        surviving.line_count - surviving.surviving_line_count as gone_line_count,
        2 * surviving.surviving_line_count < surviving.line_count as is_rewritten
    from commits
    inner join surviving
        on
            commits.repository = surviving.repository
            and commits.commit_sha = surviving.commit_sha

)

select * from final
