-- One row per month, class of AI evidence and line (organization, department, team) on
-- which changes added lines, with how many people wrote them. All unknown ones together
-- are one; an agent is nobody, and agents by themselves are one. People end here.
with

commits as (

    select * from {{ ref('int_lines_commits_attributed') }}

),

births as (

    select distinct
        repository,
        commit_sha
    from {{ ref('core_line_births') }}
    where file_kind in ('production', 'test', 'docs')

),

groups as (

    select * from {{ ref('int_team_reporting_groups') }}
    where period_type = 'month'

),

final as (

    select
        groups.period_start,
        commits.ai_assistance,
        case
            when grouping(groups.reporting_team_id) = 0 then 'team'
            when grouping(groups.reporting_department_id) = 0 then 'department'
            else 'organization'
        end as scope_type,
        case
            when grouping(groups.reporting_team_id) = 0
                then groups.reporting_team_id
            when grouping(groups.reporting_department_id) = 0
                then groups.reporting_department_id
            else 'organization'
        end as scope_id,
        groups.reporting_department_id as department_id,
        greatest(count(distinct case
            when not commits.is_bot then coalesce(commits.author_id, 'unknown')
        end), 1) as author_count
    from commits
    inner join births
        on
            commits.repository = births.repository
            and commits.commit_sha = births.commit_sha
    inner join groups
        on
            {{ period_start('month', 'commits.committed_at') }} = groups.period_start
            and commits.team_id = groups.team_id
    group by grouping sets (
        (groups.period_start, commits.ai_assistance),
        (groups.period_start, commits.ai_assistance, groups.reporting_department_id),
        (
            groups.period_start,
            commits.ai_assistance,
            groups.reporting_department_id,
            groups.reporting_team_id
        )
    )

)

select * from final
