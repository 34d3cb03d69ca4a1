-- One row per team: the first month whose active user share is high enough and is so in
-- two of the next three months, too. Null = not adopted. An unseen month does not hold;
-- so a month once found stays, because what it needs had been seen.
with

teams as (

    select * from {{ ref('core_teams') }}

),

months as (

    select * from {{ ref('int_active_user_shares_by_team_and_month') }}

),

judged as (

    select
        team_id,
        period_start,
        least(headcount, active_contributor_count) as group_size,
        case
            when active_user_share >= {{ var('adoption_share') }} then 1 else 0
        end as holds
    from months

),

looked_ahead as (

    select
        team_id,
        period_start,
        holds,
        coalesce(sum(holds) over (
            partition by team_id
            order by period_start
            rows between 1 following and 3 following
        ), 0) as holding_month_count,
        min(group_size) over (
            partition by team_id
            order by period_start
            rows between current row and 3 following
        ) as smallest_group_size
    from judged

),

ranked as (

    select
        team_id,
        period_start,
        smallest_group_size,
        row_number() over (partition by team_id order by period_start) as place
    from looked_ahead
    where holds = 1 and holding_month_count >= 2

),

final as (

    select
        teams.team_id,
        teams.department_id,
        coalesce(
            ranked.smallest_group_size >= {{ var('minimum_group_size') }}, false
        ) as may_be_shown,
        ranked.period_start as adopted_on
    from teams
    left join ranked
        on
            teams.team_id = ranked.team_id
            and ranked.place = 1
    where teams.team_id <> 'unattributed'

)

select * from final
