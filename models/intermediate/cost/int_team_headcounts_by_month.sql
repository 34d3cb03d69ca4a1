-- One row per team and month: how many people had it as their primary team on every day
-- of the month that as_of has reached. Whoever came or left within the month counts
-- nowhere.
with

teams as (

    select * from {{ ref('core_teams') }}

),

days_in_periods as (

    select * from {{ ref('int_days_in_periods') }}

),

periods as (

    select * from {{ ref('int_periods') }}

),

segments as (

    select * from {{ ref('int_team_membership_segments') }}

),

months as (

    select
        periods.period_start,
        -- Of the first month, too, all days count, also those before the first fact.
        {{ add_to_date('max(days_in_periods.date_day)', 1, 'day') }} as reached_end
    from periods
    inner join days_in_periods
        on
            periods.period_type = days_in_periods.period_type
            and periods.period_start = days_in_periods.period_start
    where periods.period_type = 'month'
    group by periods.period_start

),

covered_days as (

    select
        months.period_start,
        segments.team_id,
        segments.person_id,
        {{ days_between('months.period_start', 'months.reached_end') }} as day_count,
        sum(
            case
                when segments.is_primary
                    then {{ days_between(
                        'greatest(segments.valid_from, months.period_start)',
                        'least(segments.valid_to, months.reached_end)'
                    ) }}
                else 0
            end
        ) as primary_day_count
    from months
    inner join segments
        on
            segments.valid_from < months.reached_end
            and segments.valid_to > months.period_start
    group by
        months.period_start,
        months.reached_end,
        segments.team_id,
        segments.person_id

),

counted as (

    select
        period_start,
        team_id,
        count(case when primary_day_count = day_count then 1 end) as headcount,
        count(*) as member_count
    from covered_days
    group by period_start, team_id

),

final as (

    select
        months.period_start,
        teams.team_id,
        teams.department_id,
        coalesce(counted.headcount, 0) as headcount,
        coalesce(counted.member_count, 0) as member_count
    from months
    cross join teams
    left join counted
        on
            months.period_start = counted.period_start
            and teams.team_id = counted.team_id
    where teams.team_id <> 'unattributed'

)

select * from final
