-- One row per vendor, plan, month and line of teams with seats: days held, days of
-- seats whose holder used the vendor's models or tools in the month, what the idle ones
-- cost, and whether that is shown: for at least the minimum group of people who use
-- them, and hidden with what would give a smaller number away.
with

seat_days as (

    select * from {{ ref('int_seat_team_days') }}

),

usage_records as (

    select * from {{ ref('core_ai_usage') }}

),

activity as (

    select * from {{ ref('core_ai_activity') }}

),

groups as (

    select * from {{ ref('int_team_reporting_groups') }}

),

rates as (

    select * from {{ ref('int_fx_rates') }}

),

users as (

    select
        vendor,
        person_id,
        {{ period_start('month', 'occurred_at') }} as month_start
    from usage_records
    where person_id is not null
    union
    select
        vendor,
        person_id,
        {{ period_start('month', 'activity_date') }} as month_start
    from activity
    where vendor is not null

),

placed as (

    select
        seat_days.vendor,
        seat_days.plan,
        seat_days.month_start,
        case
            when seat_days.team_id = 'unattributed' then seat_days.team_id
            else coalesce(groups.reporting_team_id, 'small_teams')
        end as team_id,
        users.person_id as active_person_id,
        seat_days.primary_day_count as day_count,
        case when users.person_id is null then 0 else seat_days.primary_day_count end
            as active_day_count,
        case
            when users.person_id is not null then 0
            else cast(
                seat_days.monthly_price_amount
                * seat_days.primary_day_count
                * rates.usd_per_unit as numeric(38, 12)
            )
        end as idle_price_days_usd,
        seat_days.month_day_count,
        seat_days.reached_day_count
    from seat_days
    left join users
        on
            seat_days.vendor = users.vendor
            and seat_days.person_id = users.person_id
            and seat_days.month_start = users.month_start
    left join groups
        on
            seat_days.team_id = groups.team_id
            and groups.period_type = 'month'
            and seat_days.month_start = groups.period_start
    left join rates
        on
            seat_days.currency = rates.currency
            and {{ add_to_date(
                'seat_days.month_start', 'seat_days.reached_day_count - 1', 'day'
            ) }} >= rates.valid_from
            and {{ add_to_date(
                'seat_days.month_start', 'seat_days.reached_day_count - 1', 'day'
            ) }} < rates.valid_to
    where seat_days.primary_day_count > 0

),

summed as (

    select
        vendor,
        plan,
        team_id,
        cast(count(distinct active_person_id) as bigint) as active_person_count,
        cast(sum(day_count) as bigint) as day_count,
        cast(sum(active_day_count) as bigint) as active_day_count,
        cast(
            case
                when count(*) = count(idle_price_days_usd) then sum(idle_price_days_usd)
            end as numeric(38, 12)
        ) as idle_price_days_usd,
        cast(max(month_day_count) as bigint) as month_day_count,
        cast(max(reached_day_count) as bigint) as reached_day_count,
        month_start
    from placed
    group by vendor, plan, team_id, month_start

),

ranked as (

    select
        summed.*,
        lag(active_person_count) over (
            partition by vendor, plan, month_start
            order by active_person_count, {{ byte_order('team_id') }}
        ) as smaller_person_count
    from summed

),

final as (

    select
        vendor,
        plan,
        team_id,
        active_person_count,
        day_count,
        active_day_count,
        idle_price_days_usd,
        {{ divide_decimals('idle_price_days_usd', 12, 'month_day_count', 0, 12) }}
            as idle_seat_cost_usd,
        month_day_count,
        reached_day_count,
        active_person_count >= {{ var('minimum_group_size') }}
        and coalesce(smaller_person_count >= {{ var('minimum_group_size') }}, true)
            as is_reported,
        month_start
    from ranked

)

select * from final
