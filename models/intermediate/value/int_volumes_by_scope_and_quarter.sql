-- One row per scope and quarter in which something was finished or a bug opened. The
-- whole_day counts leave out the day that as_of cuts, so that they can be divided by
-- days.
with

issues as (

    select * from {{ ref('int_issues_attributed') }}

),

teams as (

    select * from {{ ref('core_teams') }}

),

changes as (

    select * from {{ ref('int_changes_reviewed') }}

),

days as (

    select * from {{ ref('int_days') }}

),

events as (

    select
        case
            when issue_type = 'epic' then 'finished_epic'
            when issue_type = 'incident' then 'finished_incident'
            else 'finished_task'
        end as event,
        service_id,
        team_id,
        cast(null as bigint) as added_line_count,
        cast(resolved_at as date) as event_date
    from issues
    where resolved_at is not null

    union all

    select
        'opened_bug' as event,
        service_id,
        team_id,
        cast(null as bigint) as added_line_count,
        cast(created_at as date) as event_date
    from issues
    where issue_type = 'bug'

    union all

    select
        'merged' as event,
        service_id,
        team_id,
        additions as added_line_count,
        cast(merged_at as date) as event_date
    from changes
    where not is_bot_change

),

in_quarters as (

    select
        days.quarter_start as period_start,
        teams.department_id,
        events.team_id,
        events.service_id,
        events.event,
        case
            when days.date_day < cast({{ as_of() }} as date) then events.event
        end as whole_day_event,
        events.added_line_count
    from events
    inner join days
        on events.event_date = days.date_day
    inner join teams
        on events.team_id = teams.team_id

),

final as (

    select
        period_start,
        {{ grouped_scope_type() }} as scope_type,
        {{ grouped_scope_id() }} as scope_id,
        count(case when event <> 'opened_bug' then 1 end) as finished_count,
        count(case when whole_day_event = 'finished_task' then 1 end)
            as whole_day_finished_task_count,
        count(case when whole_day_event = 'finished_epic' then 1 end)
            as whole_day_finished_epic_count,
        count(case when whole_day_event = 'merged' then 1 end)
            as whole_day_merged_pull_request_count,
        sum(case when whole_day_event = 'merged' then added_line_count end)
            as whole_day_added_line_count,
        count(case when whole_day_event = 'opened_bug' then 1 end)
            as whole_day_opened_bug_count
    from in_quarters
    group by {{ scope_grouping_sets(['period_start']) }}

)

select * from final
