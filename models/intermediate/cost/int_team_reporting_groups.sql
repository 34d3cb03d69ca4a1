-- One row per month or fiscal quarter and team, with the team on whose line its AI
-- figures stand. A quarter's lines are whole lines of its months put together, never
-- cut anew: otherwise the quarter less its months would give a small team away.
with

teams as (

    select * from {{ ref('core_teams') }}

),

periods as (

    select * from {{ ref('int_periods') }}

),

months as (

    select * from {{ ref('int_team_reporting_levels_by_month') }}

),

quarters as (

    select
        {{ period_start('quarter', 'period_start') }} as period_start,
        team_id,
        department_id,
        max(reporting_level) as highest_level,
        count(case when reporting_level = 1 then 1 end) as pooled_month_count
    from months
    group by
        {{ period_start('quarter', 'period_start') }},
        team_id,
        department_id

),

spilled as (

    select distinct
        period_start,
        department_id
    from quarters
    where highest_level = 2 and pooled_month_count > 0

),

levels as (

    select
        'month' as period_type,
        period_start,
        team_id,
        department_id,
        reporting_level
    from months

    union all

    select
        'quarter' as period_type,
        quarters.period_start,
        quarters.team_id,
        quarters.department_id,
        case
            when spilled.department_id is not null and quarters.pooled_month_count > 0
                then 2
            else quarters.highest_level
        end as reporting_level
    from quarters
    left join spilled
        on
            quarters.period_start = spilled.period_start
            and quarters.department_id = spilled.department_id

),

final as (

    select
        period_type,
        period_start,
        team_id,
        case reporting_level
            when 0 then team_id
            when 1 then department_id
            else 'small_teams'
        end as reporting_team_id,
        case
            when reporting_level < 2 then department_id else 'small_teams'
        end as reporting_department_id
    from levels

    union all

    select
        periods.period_type,
        periods.period_start,
        teams.team_id,
        teams.team_id as reporting_team_id,
        teams.department_id as reporting_department_id
    from periods
    cross join teams
    where
        periods.period_type in ('month', 'quarter')
        and teams.team_id = 'unattributed'

)

select * from final
