-- One row per main-line commit that added lines and age in days, with how many were
-- still there at it. Removed exactly at the age is still there; a line that is copied
-- stands again, but never more survive than were added.
{% set ages = [14, 30, 90, 180, 365, var('rework_window_days')] | unique -%}
with

births as (

    select * from {{ ref('core_line_births') }}
    where file_kind in ('production', 'test', 'docs')

),

deaths as (

    select * from {{ ref('core_line_deaths') }}

),

commits as (

    select * from {{ ref('int_lines_mainline_commits') }}

),

removers as (

    select * from {{ ref('core_commits') }}

),

ages as (
    {% for age in ages %}
    select {{ age }} as age_days
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

dated as (

    select
        births.repository,
        births.commit_sha,
        births.file_kind,
        births.line_count,
        ages.age_days,
        commits.committed_at + ages.age_days * interval '1 day' as looked_at
    from births
    inner join commits
        on
            births.repository = commits.repository
            and births.commit_sha = commits.commit_sha
    cross join ages

),

gone as (

    select
        dated.repository,
        dated.commit_sha,
        dated.file_kind,
        dated.age_days,
        sum(deaths.line_count - deaths.copied_line_count) as line_count
    from dated
    inner join deaths
        on
            dated.repository = deaths.repository
            and dated.commit_sha = deaths.born_commit_sha
            and dated.file_kind = deaths.file_kind
    inner join removers
        on
            deaths.repository = removers.repository
            and deaths.commit_sha = removers.commit_sha
            and dated.looked_at > removers.committed_at
    group by dated.repository, dated.commit_sha, dated.file_kind, dated.age_days

),

final as (

    select
        dated.repository,
        dated.commit_sha,
        dated.age_days,
        sum(dated.line_count) as line_count,
        sum(dated.line_count - greatest(0, coalesce(gone.line_count, 0)))
            as surviving_line_count
    from dated
    left join gone
        on
            dated.repository = gone.repository
            and dated.commit_sha = gone.commit_sha
            and dated.file_kind = gone.file_kind
            and dated.age_days = gone.age_days
    group by dated.repository, dated.commit_sha, dated.age_days

)

select * from final
