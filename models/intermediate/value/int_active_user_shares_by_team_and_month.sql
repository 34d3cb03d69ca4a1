-- One row per team and whole month, dense: how many of the team's active contributors
-- are active users of AI. Whoever uses it and neither merges nor reviews is in neither.
with

teams as (

    select * from {{ ref('core_teams') }}

),

periods as (

    select * from {{ ref('int_periods') }}

),

contributions as (

    select * from {{ ref('int_contributions') }}

),

active_people as (

    select * from {{ ref('int_people_active_with_ai_by_month') }}

),

headcounts as (

    select * from {{ ref('int_team_headcounts_by_month') }}

),

contributors as (

    select distinct
        person_id,
        team_id,
        {{ period_start('month', 'contributed_date') }} as period_start
    from contributions

),

counted as (

    select
        contributors.team_id,
        contributors.period_start,
        count(*) as active_contributor_count,
        count(active_people.person_id) as active_user_count
    from contributors
    left join active_people
        on
            contributors.person_id = active_people.person_id
            and contributors.period_start = active_people.period_start
    group by contributors.team_id, contributors.period_start

),

final as (

    select
        teams.team_id,
        teams.department_id,
        periods.period_start,
        coalesce(headcounts.headcount, 0) as headcount,
        coalesce(counted.active_contributor_count, 0) as active_contributor_count,
        coalesce(counted.active_user_count, 0) as active_user_count,
        {{ share('counted.active_user_count', 'counted.active_contributor_count') }}
            as active_user_share
    from teams
    cross join periods
    left join headcounts
        on
            teams.team_id = headcounts.team_id
            and periods.period_start = headcounts.period_start
    left join counted
        on
            teams.team_id = counted.team_id
            and periods.period_start = counted.period_start
    where
        teams.team_id <> 'unattributed'
        and periods.period_type = 'month'
        and not periods.is_partial_period

)

select * from final
