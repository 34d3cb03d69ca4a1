-- One row per main-line commit, earlier one and kind of file in which it removed or
-- copied lines of that one. A line that is older than a shallow clone has no
-- born_commit_sha.
with

line_deaths as (

    {% if 'git' in env_var('VALUEMAXX_SYSTEMS', 'files git').split() -%}
    select * from {{ union_systems('line_deaths') }}
    {%- else -%}
    select
        cast(null as text) as repository,
        cast(null as text) as commit_sha,
        cast(null as text) as born_commit_sha,
        cast(null as text) as file_kind,
        cast(null as bigint) as line_count,
        cast(null as bigint) as replaced_line_count,
        cast(null as bigint) as copied_line_count
    {%- endif %}

),

commits as (

    select * from {{ ref('core_commits') }}

),

final as (

    select
        line_deaths.repository,
        line_deaths.commit_sha,
        line_deaths.born_commit_sha,
        line_deaths.file_kind,
        line_deaths.line_count,
        line_deaths.replaced_line_count,
        line_deaths.copied_line_count
    from line_deaths
    -- Not there is what as_of does not see yet.
    inner join commits
        on
            commits.repository = line_deaths.repository
            and commits.commit_sha = line_deaths.commit_sha

)

select * from final
