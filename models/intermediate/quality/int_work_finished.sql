-- One row per unit of finished work: a merged change that is no bot's, or a resolved
-- issue, no epic, to which no merged change is linked.
with

changes as (

    select * from {{ ref('int_changes_timed') }}

),

issues as (

    select * from {{ ref('int_issues_attributed') }}

),

issue_pull_requests as (

    select * from {{ ref('core_issue_pull_requests') }}

),

teams as (

    select * from {{ ref('core_teams') }}

),

issues_with_changes as (

    select distinct issue_pull_requests.issue_id
    from issue_pull_requests
    inner join changes
        on issue_pull_requests.pull_request_id = changes.pull_request_id

),

units as (

    select
        'change' as work_kind,
        pull_request_id as work_id,
        service_id,
        team_id,
        first_commit_at as started_at,
        merged_at as finished_at
    from changes
    where not is_bot_change

    union all

    select
        'issue' as work_kind,
        issues.issue_id as work_id,
        issues.service_id,
        issues.team_id,
        issues.started_at,
        greatest(issues.resolved_at, issues.created_at) as finished_at
    from issues
    left join issues_with_changes
        on issues.issue_id = issues_with_changes.issue_id
    where
        issues.resolved_at is not null
        and issues.issue_type <> 'epic'
        and issues_with_changes.issue_id is null

),

final as (

    select
        units.work_kind,
        units.work_id,
        units.service_id,
        units.team_id,
        teams.department_id,
        -- A squashed commit starts when it ends: no work takes no time.
        case
            when units.started_at < units.finished_at
                then {{ seconds_between('units.started_at', 'units.finished_at') }}
        end as work_seconds,
        units.finished_at
    from units
    inner join teams
        on units.team_id = teams.team_id

)

select * from final
