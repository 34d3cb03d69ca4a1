-- One row per main-line commit and kind of file in which it added lines, as git blame
-- --first-parent -w lays them to it. Only git can tell.
with

line_births as (

    {% if 'git' in env_var('VALUEMAXX_SYSTEMS', 'files git').split() -%}
    select * from {{ union_systems('line_births') }}
    {%- else -%}
    select
        cast(null as text) as repository,
        cast(null as text) as commit_sha,
        cast(null as text) as file_kind,
        cast(null as bigint) as line_count
    {%- endif %}

),

commits as (

    select * from {{ ref('core_commits') }}

),

final as (

    select
        line_births.repository,
        line_births.commit_sha,
        line_births.file_kind,
        line_births.line_count
    from line_births
    -- Not there is what as_of does not see yet.
    inner join commits
        on
            commits.repository = line_births.repository
            and commits.commit_sha = line_births.commit_sha

)

select * from final
