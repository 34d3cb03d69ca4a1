-- One row per scope and period in which main-line commits added or removed lines, by
-- the day of the commit that did it. A line's age counts from the commit that brought
-- it; one exactly as old as a window is not younger.
with

commits as (

    select * from {{ ref('int_lines_commits_attributed') }}

),

births as (

    select * from {{ ref('core_line_births') }}
    where file_kind in ('production', 'test', 'docs')

),

deaths as (

    select * from {{ ref('core_line_deaths') }}
    where file_kind in ('production', 'test', 'docs')

),

bringers as (

    select * from {{ ref('core_commits') }}

),

days_in_periods as (

    select * from {{ ref('int_days_in_periods') }}

),

lines_done as (

    select
        repository,
        commit_sha,
        line_count as added_count,
        0 as removed_count,
        0 as replaced_count,
        cast(null as timestamp) as born_at
    from births

    union all

    select
        deaths.repository,
        deaths.commit_sha,
        0 as added_count,
        deaths.line_count as removed_count,
        deaths.replaced_line_count as replaced_count,
        bringers.committed_at as born_at
    from deaths
    left join bringers
        on
            deaths.repository = bringers.repository
            and deaths.born_commit_sha = bringers.commit_sha

),

in_periods as (

    select
        days_in_periods.period_type,
        days_in_periods.period_start,
        commits.service_id,
        commits.team_id,
        commits.department_id,
        lines_done.added_count,
        lines_done.removed_count,
        case
            when
                commits.committed_at < lines_done.born_at
                + {{ var('rework_window_days') }} * interval '1 day'
                then lines_done.replaced_count
            else 0
        end as reworked_count,
        case
            when commits.committed_at < lines_done.born_at + 14 * interval '1 day'
                then lines_done.removed_count
            else 0
        end as churned_count
    from lines_done
    inner join commits
        on
            lines_done.repository = commits.repository
            and lines_done.commit_sha = commits.commit_sha
    inner join days_in_periods
        on cast(commits.committed_at as date) = days_in_periods.date_day

),

final as (

    select
        period_type,
        period_start,
        {{ grouped_scope_type() }} as scope_type,
        {{ grouped_scope_id() }} as scope_id,
        sum(added_count) as mainline_added_line_count,
        sum(removed_count) as mainline_removed_line_count,
        sum(reworked_count) as reworked_line_count,
        sum(churned_count) as churned_line_count
    from in_periods
    group by {{ scope_grouping_sets(['period_type', 'period_start']) }}

)

select * from final
