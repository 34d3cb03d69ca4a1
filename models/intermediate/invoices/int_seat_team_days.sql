-- One row per seat, month and team of its holder, with the days that are the team's by
-- its share of the person, and those on which it is the person's primary team. Days on
-- which the holder has no team are those of the team that the seat is for.
with

seat_months as (

    select * from {{ ref('int_seat_months') }}

),

segments as (

    select * from {{ ref('int_team_membership_segments') }}

),

teams as (

    select * from {{ ref('core_teams') }}

),

covered as (

    select
        seat_months.seat_number,
        seat_months.month_start,
        segments.team_id,
        segments.is_primary,
        segments.share_fraction,
        {{ days_between(
            'greatest(segments.valid_from, seat_months.held_from)',
            'least(segments.valid_to, seat_months.held_until)'
        ) }} as day_count
    from seat_months
    inner join segments
        on
            seat_months.person_id = segments.person_id
            and seat_months.held_from < segments.valid_to
            and seat_months.held_until > segments.valid_from

),

covered_days as (

    select
        seat_number,
        month_start,
        sum(case when is_primary then day_count else 0 end) as day_count
    from covered
    group by seat_number, month_start

),

parts as (

    select
        seat_number,
        month_start,
        team_id,
        cast(day_count * share_fraction as numeric(28, 12)) as shared_day_count,
        case when is_primary then day_count else 0 end as primary_day_count
    from covered

    union all

    select
        seat_months.seat_number,
        seat_months.month_start,
        coalesce(teams.team_id, 'unattributed') as team_id,
        cast(
            seat_months.day_count - coalesce(covered_days.day_count, 0)
            as numeric(28, 12)
        ) as shared_day_count,
        seat_months.day_count - coalesce(covered_days.day_count, 0)
            as primary_day_count
    from seat_months
    left join covered_days
        on
            seat_months.seat_number = covered_days.seat_number
            and seat_months.month_start = covered_days.month_start
    left join teams
        on seat_months.team_id = teams.team_id
    where seat_months.day_count > coalesce(covered_days.day_count, 0)

),

summed as (

    select
        seat_number,
        month_start,
        team_id,
        cast(sum(shared_day_count) as numeric(28, 12)) as shared_day_count,
        cast(sum(primary_day_count) as bigint) as primary_day_count
    from parts
    group by seat_number, month_start, team_id

),

final as (

    select
        summed.seat_number,
        summed.team_id,
        seat_months.vendor,
        seat_months.plan,
        seat_months.person_id,
        seat_months.currency,
        seat_months.monthly_price_amount,
        summed.shared_day_count,
        summed.primary_day_count,
        seat_months.month_day_count,
        seat_months.reached_day_count,
        summed.month_start
    from summed
    inner join seat_months
        on
            summed.seat_number = seat_months.seat_number
            and summed.month_start = seat_months.month_start

)

select * from final
