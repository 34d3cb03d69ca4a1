-- One row per scope and period with an issue, an incident or a deployment: defects and
-- what they are held against. Each counts on the day it was opened, a deployment on the
-- day it finished.
with

issues as (

    select * from {{ ref('int_issues_attributed') }}

),

teams as (

    select * from {{ ref('core_teams') }}

),

incidents as (

    select * from {{ ref('int_incidents_linked_to_deployments') }}

),

deployments as (

    select * from {{ ref('int_deployments_numbered') }}

),

days_in_periods as (

    select * from {{ ref('int_days_in_periods') }}

),

events as (

    select
        issues.service_id,
        issues.team_id,
        case when issues.issue_type = 'bug' then 1 else 0 end as bug_count,
        case when issues.is_escaped_defect then 1 else 0 end as escaped_defect_count,
        case when issues.reopened_count > 0 then 1 else 0 end as reopened_issue_count,
        0 as incident_count,
        0 as deployment_count,
        cast(issues.created_at as date) as event_date
    from issues

    union all

    select
        service_id,
        team_id,
        0 as bug_count,
        0 as escaped_defect_count,
        0 as reopened_issue_count,
        1 as incident_count,
        0 as deployment_count,
        cast(opened_at as date) as event_date
    from incidents

    union all

    select
        service_id,
        team_id,
        0 as bug_count,
        0 as escaped_defect_count,
        0 as reopened_issue_count,
        0 as incident_count,
        1 as deployment_count,
        cast(finished_at as date) as event_date
    from deployments

),

in_periods as (

    select
        days_in_periods.period_type,
        days_in_periods.period_start,
        events.service_id,
        events.team_id,
        teams.department_id,
        events.bug_count,
        events.escaped_defect_count,
        events.reopened_issue_count,
        events.incident_count,
        events.deployment_count
    from events
    inner join teams
        on events.team_id = teams.team_id
    inner join days_in_periods
        on events.event_date = days_in_periods.date_day

),

final as (

    select
        period_type,
        period_start,
        {{ grouped_scope_type() }} as scope_type,
        {{ grouped_scope_id() }} as scope_id,
        sum(bug_count) as opened_bug_count,
        sum(escaped_defect_count) as escaped_defect_count,
        sum(reopened_issue_count) as reopened_issue_count,
        sum(incident_count) as incident_count,
        sum(deployment_count) as deployment_count
    from in_periods
    group by {{ scope_grouping_sets(['period_type', 'period_start']) }}

)

select * from final
