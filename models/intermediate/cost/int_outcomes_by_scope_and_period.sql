-- One row per scope and month or quarter with outcomes, on the same lines as the cost:
-- changes by the day they merged (bots' are not in it), successful production
-- deployments by their finish, epics and stories by their last resolution.
with

changes as (

    select * from {{ ref('int_changes_accepted') }}

),

deployments as (

    select * from {{ ref('int_deployments_numbered') }}

),

issues as (

    select * from {{ ref('int_issues_attributed') }}

),

days_in_periods as (

    select * from {{ ref('int_days_in_periods') }}

),

scopes as (

    select * from {{ ref('int_reporting_scopes') }}

),

events as (

    select
        team_id,
        1 as merged_pull_request_count,
        case when is_accepted then 1 else 0 end as accepted_change_count,
        case when is_failed then 1 else 0 end as failed_change_count,
        case when is_fixed then 1 else 0 end as fixed_change_count,
        0 as successful_deployment_count,
        0 as finished_epic_count,
        0 as finished_story_count,
        cast(merged_at as date) as event_date
    from changes

    union all

    select
        team_id,
        0 as merged_pull_request_count,
        0 as accepted_change_count,
        0 as failed_change_count,
        0 as fixed_change_count,
        1 as successful_deployment_count,
        0 as finished_epic_count,
        0 as finished_story_count,
        cast(finished_at as date) as event_date
    from deployments

    union all

    select
        team_id,
        0 as merged_pull_request_count,
        0 as accepted_change_count,
        0 as failed_change_count,
        0 as fixed_change_count,
        0 as successful_deployment_count,
        case when issue_type = 'epic' then 1 else 0 end as finished_epic_count,
        case when issue_type = 'story' then 1 else 0 end as finished_story_count,
        cast(resolved_at as date) as event_date
    from issues
    where issue_type in ('epic', 'story') and resolved_at is not null

),

by_team as (

    select
        days_in_periods.period_type,
        days_in_periods.period_start,
        events.team_id,
        sum(events.merged_pull_request_count) as merged_pull_request_count,
        sum(events.accepted_change_count) as accepted_change_count,
        sum(events.failed_change_count) as failed_change_count,
        sum(events.fixed_change_count) as fixed_change_count,
        sum(events.successful_deployment_count) as successful_deployment_count,
        sum(events.finished_epic_count) as finished_epic_count,
        sum(events.finished_story_count) as finished_story_count
    from events
    inner join days_in_periods
        on events.event_date = days_in_periods.date_day
    where days_in_periods.period_type in ('month', 'quarter')
    group by
        days_in_periods.period_type,
        days_in_periods.period_start,
        events.team_id

),

final as (

    select
        scopes.period_type,
        scopes.period_start,
        scopes.scope_type,
        scopes.scope_id,
        sum(by_team.merged_pull_request_count) as merged_pull_request_count,
        sum(by_team.accepted_change_count) as accepted_change_count,
        sum(by_team.failed_change_count) as failed_change_count,
        sum(by_team.fixed_change_count) as fixed_change_count,
        sum(by_team.successful_deployment_count) as successful_deployment_count,
        sum(by_team.finished_epic_count) as finished_epic_count,
        sum(by_team.finished_story_count) as finished_story_count
    from by_team
    inner join scopes
        on
            by_team.period_type = scopes.period_type
            and by_team.period_start = scopes.period_start
            and by_team.team_id = scopes.team_id
    group by
        scopes.period_type,
        scopes.period_start,
        scopes.scope_type,
        scopes.scope_id

)

select * from final
