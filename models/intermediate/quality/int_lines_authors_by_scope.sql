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

scopes as (

    select * from {{ ref('int_reporting_scopes') }}
    where period_type = 'month'

),

final as (

    select
        scopes.period_start,
        commits.ai_assistance,
        scopes.scope_type,
        scopes.scope_id,
        scopes.department_id,
        greatest(count(distinct case
            when not commits.is_bot then coalesce(commits.author_id, 'unknown')
        end), 1) as author_count
    from commits
    inner join births
        on
            commits.repository = births.repository
            and commits.commit_sha = births.commit_sha
    inner join scopes
        on
            {{ period_start('month', 'commits.committed_at') }} = scopes.period_start
            and commits.team_id = scopes.team_id
    group by
        scopes.period_start,
        commits.ai_assistance,
        scopes.scope_type,
        scopes.scope_id,
        scopes.department_id

)

select * from final
