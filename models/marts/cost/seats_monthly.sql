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

ranked as (

    select
        seats.*,
        coalesce(lag(active_person_count) over (
            partition by vendor, plan, month_start
            order by active_person_count, {{ byte_order('team_id') }}
        ), 0) as smaller_person_count
    from seats

),

judged as (

    select
        ranked.*,
        active_person_count >= {{ var('minimum_group_size') }}
        and (
            smaller_person_count = 0
            or smaller_person_count >= {{ var('minimum_group_size') }}
        ) as is_reported
    from ranked

),

final as (

    select
        judged.vendor,
        judged.plan,
        judged.month_start as period_start,
        judged.team_id,
        lines.team_name,
        lines.department_id,
        {{ divide_decimals('judged.day_count', 0, 'judged.reached_day_count', 0, 12) }}
            as seat_count,
        case
            when judged.is_reported
                then {{ divide_decimals(
                    'judged.active_day_count', 0, 'judged.reached_day_count', 0, 12
                ) }}
        end as active_seat_count,
        case
            when judged.is_reported
                then {{ divide_decimals(
                    '(judged.day_count - judged.active_day_count)', 0,
                    'judged.reached_day_count', 0, 12
                ) }}
        end as idle_seat_count,
        case
            when judged.is_reported
                then {{ divide_decimals(
                    'judged.idle_price_days_usd', 12, 'judged.month_day_count', 0, 12
                ) }}
        end as idle_seat_cost_usd,
        judged.is_reported,
        {{ add_to_date('judged.month_start', 1, 'month') }} > {{ as_of() }}
            as is_partial_period,
        {{ add_to_date('judged.month_start', 1, 'month') }} as period_end
    from judged
    inner join lines
        on judged.team_id = lines.team_id

)

select * from final
