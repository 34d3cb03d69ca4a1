-- One row per month or quarter and scope that is reported in it: what its idle seats
-- cost, once there is any seat. Null where it would tell of a line of teams that
-- seats_monthly hides, or holds a seat without a price.
with

seats as (

    select * from {{ ref('int_seats_by_line_and_month') }}

),

centers as (

    select * from {{ ref('int_cost_centers_by_line') }}

),

periods as (

    select * from {{ ref('int_periods') }}
    where period_type = 'month'

),

groups as (

    select * from {{ ref('int_team_reporting_groups') }}
    where period_type = 'quarter'

),

scopes as (

    select distinct
        period_type,
        period_start,
        scope_type,
        scope_id
    from {{ ref('int_reporting_scopes') }}

),

lines as (

    select
        seats.team_id,
        centers.department_id,
        coalesce(groups.reporting_team_id, 'small_teams') as quarter_team_id,
        coalesce(groups.reporting_department_id, 'small_teams')
            as quarter_department_id,
        case when seats.is_reported then seats.idle_seat_cost_usd end as shown_usd,
        -- Less what is shown, a whole tells what all hidden lines cost together.
        case
            when
                coalesce(max(
                    case when not seats.is_reported then seats.active_person_count end
                ) over (
                    partition by seats.vendor, seats.plan, seats.month_start
                ) >= {{ var('minimum_group_size') }}, true)
                then seats.idle_seat_cost_usd
        end as shown_in_whole_usd,
        seats.month_start,
        {{ period_start('quarter', 'seats.month_start') }} as quarter_start
    from seats
    inner join centers
        on seats.team_id = centers.team_id
    inner join periods
        on seats.month_start = periods.period_start
    left join groups
        on
            seats.team_id = groups.team_id
            and {{ period_start('quarter', 'seats.month_start') }} = groups.period_start

),

{% set places = [
    ('month', 'month_start', 'team', 'team_id', 'shown_usd'),
    ('month', 'month_start', 'department', 'department_id', 'shown_usd'),
    ('month', 'month_start', 'organization', "'organization'", 'shown_in_whole_usd'),
    ('quarter', 'quarter_start', 'team', 'quarter_team_id', 'shown_usd'),
    ('quarter', 'quarter_start', 'department', 'quarter_department_id', 'shown_usd'),
    ('quarter', 'quarter_start', 'organization', "'organization'", 'shown_in_whole_usd')
] -%}
parts as (
    {% for period_type, period_start, scope_type, scope_id, usd in places %}
    select
        '{{ period_type }}' as period_type,
        {{ period_start }} as period_start,
        '{{ scope_type }}' as scope_type,
        {{ scope_id }} as scope_id,
        {{ usd }} as idle_seat_cost_usd
    from lines

    union all
    {% endfor %}
    -- Where seats are known at all, a scope without one has idle seats for nothing.
    select
        scopes.period_type,
        scopes.period_start,
        scopes.scope_type,
        scopes.scope_id,
        cast(0 as numeric(38, 12)) as idle_seat_cost_usd
    from scopes
    cross join (select count(*) as seat_count from seats) as known
    where known.seat_count > 0

),

final as (

    select
        period_type,
        period_start,
        scope_type,
        scope_id,
        cast(
            case
                when count(*) = count(idle_seat_cost_usd) then sum(idle_seat_cost_usd)
            end as numeric(38, 12)
        ) as idle_seat_cost_usd
    from parts
    group by period_type, period_start, scope_type, scope_id

)

select * from final
