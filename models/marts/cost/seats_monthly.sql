-- One row per vendor, plan, month and line of teams with seats. How many are in use is
-- shown for at least the minimum group of people who use them, and hidden with what
-- would give a smaller number away.
with

seats as (

    select * from {{ ref('int_seats_by_line_and_month') }}

),

lines as (

    select * from {{ ref('int_cost_centers_by_line') }}

),

final as (

    select
        seats.vendor,
        seats.plan,
        seats.month_start as period_start,
        seats.team_id,
        lines.team_name,
        lines.department_id,
        {{ divide_decimals('seats.day_count', 0, 'seats.reached_day_count', 0, 12) }}
            as seat_count,
        case
            when seats.is_reported
                then {{ divide_decimals(
                    'seats.active_day_count', 0, 'seats.reached_day_count', 0, 12
                ) }}
        end as active_seat_count,
        case
            when seats.is_reported
                then {{ divide_decimals(
                    '(seats.day_count - seats.active_day_count)', 0,
                    'seats.reached_day_count', 0, 12
                ) }}
        end as idle_seat_count,
        case when seats.is_reported then seats.idle_seat_cost_usd end
            as idle_seat_cost_usd,
        seats.is_reported,
        {{ add_to_date('seats.month_start', 1, 'month') }} > {{ as_of() }}
            as is_partial_period,
        {{ add_to_date('seats.month_start', 1, 'month') }} as period_end
    from seats
    inner join lines
        on seats.team_id = lines.team_id

)

select * from final
