-- One row per month, scope, class of AI evidence and age with changes that added lines:
-- how many, and how many of the lines were still there at the age.
with

commits as (

    select * from {{ ref('int_lines_commits_attributed') }}

),

surviving as (

    select * from {{ ref('int_lines_surviving_by_age') }}

),

scopes as (

    select * from {{ ref('int_reporting_scopes') }}
    where period_type = 'month'

),

by_team as (

    select
        {{ period_start('month', 'commits.committed_at') }} as period_start,
        commits.team_id,
        commits.ai_assistance,
        surviving.age_days,
        count(*) as change_count,
        sum(surviving.line_count) as line_count,
        sum(surviving.surviving_line_count) as surviving_line_count
    from commits
    inner join surviving
        on
            commits.repository = surviving.repository
            and commits.commit_sha = surviving.commit_sha
    group by
        {{ period_start('month', 'commits.committed_at') }},
        commits.team_id,
        commits.ai_assistance,
        surviving.age_days

),

final as (

    select
        scopes.scope_type,
        scopes.scope_id,
        by_team.period_start,
        by_team.ai_assistance,
        by_team.age_days,
        sum(by_team.change_count) as change_count,
        sum(by_team.line_count) as line_count,
        sum(by_team.surviving_line_count) as surviving_line_count
    from by_team
    inner join scopes
        on
            by_team.period_start = scopes.period_start
            and by_team.team_id = scopes.team_id
    group by
        scopes.scope_type,
        scopes.scope_id,
        by_team.period_start,
        by_team.ai_assistance,
        by_team.age_days

)

select * from final
