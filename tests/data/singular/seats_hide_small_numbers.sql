{{ config(group='cost') }}
-- Who uses a seat is shown for enough people only, and never so that what is hidden
-- could be worked out.
with

counted as (

    select
        seats.vendor,
        seats.plan,
        seats.period_start,
        max(case when not seats.is_reported then people.active_person_count end)
            as hidden_person_count,
        min(case when seats.is_reported then people.active_person_count end)
            as smallest_shown_count
    from {{ ref('seats_monthly') }} as seats
    inner join {{ ref('int_seats_by_line_and_month') }} as people
        on
            seats.vendor = people.vendor
            and seats.plan = people.plan
            and seats.team_id = people.team_id
            and seats.period_start = people.month_start
    group by seats.vendor, seats.plan, seats.period_start

)

select
    vendor,
    plan,
    period_start,
    hidden_person_count,
    smallest_shown_count
from counted
where
    smallest_shown_count < {{ var('minimum_group_size') }}
    or (
        smallest_shown_count is not null
        and hidden_person_count < {{ var('minimum_group_size') }}
    )
