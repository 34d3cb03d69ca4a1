-- One row per seat and month in which it was held, with its days in the month as far as
-- as_of has seen them.
with

seats as (

    select * from {{ ref('core_seats') }}

),

periods as (

    select
        {{ add_to_date('max(date_day)', 1, 'day') }} as reached_end
    from {{ ref('int_days') }}

),

held as (

    select
        row_number() over (
            order by
                seats.vendor,
                seats.plan,
                seats.person_id,
                seats.team_id,
                seats.assigned_on,
                seats.unassigned_on,
                seats.monthly_price_amount,
                seats.currency
        ) as seat_number,
        seats.vendor,
        lower(seats.plan) as plan,
        seats.person_id,
        seats.team_id,
        seats.currency,
        seats.monthly_price_amount,
        seats.assigned_on,
        least(
            coalesce(seats.unassigned_on, periods.reached_end), periods.reached_end
        ) as held_until,
        periods.reached_end
    from seats
    cross join periods

),

numbered as (

    select
        held.*,
        {{ period_start('month', 'assigned_on') }} as first_month,
        {{ explode_range(
            '0',
            'cast(12 * (extract(year from held_until)'
            ~ ' - extract(year from assigned_on)) + extract(month from held_until)'
            ~ ' - extract(month from assigned_on) as integer)'
        ) }} as month_number
    from held

),

months as (

    select
        numbered.*,
        {{ add_to_date('first_month', 'month_number', 'month') }} as month_start,
        {{ add_to_date('first_month', 'month_number + 1', 'month') }} as month_end
    from numbered

),

final as (

    select
        seat_number,
        vendor,
        plan,
        person_id,
        team_id,
        currency,
        monthly_price_amount,
        {{ days_between(
            'greatest(assigned_on, month_start)', 'least(held_until, month_end)'
        ) }} as day_count,
        {{ days_between('month_start', 'month_end') }} as month_day_count,
        {{ days_between('month_start', 'least(month_end, reached_end)') }}
            as reached_day_count,
        greatest(assigned_on, month_start) as held_from,
        least(held_until, month_end) as held_until,
        month_start
    from months
    where greatest(assigned_on, month_start) < least(held_until, month_end)

)

select * from final
