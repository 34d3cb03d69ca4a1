-- One row per month or quarter and scope that is reported in it: what its idle seats
-- cost, once there is any seat. Null where the sum would give away a line of teams that
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
        seats.vendor,
        seats.plan,
        seats.team_id,
        centers.department_id,
        coalesce(groups.reporting_team_id, 'small_teams') as quarter_team_id,
        coalesce(groups.reporting_department_id, 'small_teams')
            as quarter_department_id,
        seats.active_person_count,
        seats.idle_seat_cost_usd,
        seats.is_reported,
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

departments as (

    select
        vendor,
        plan,
        department_id,
        month_start,
        quarter_start,
        count(case when not is_reported then 1 end) as hidden_line_count,
        -- Who moved counts on two lines: they may be no more than the largest.
        max(case when is_reported then 0 else active_person_count end)
            as hidden_person_count,
        case
            when count(*) = count(idle_seat_cost_usd) then sum(idle_seat_cost_usd)
        end as idle_seat_cost_usd
    from lines
    group by vendor, plan, department_id, month_start, quarter_start

),

-- Whoever stands before a department has hidden lines, too.
ranked as (

    select
        departments.*,
        lag(hidden_person_count) over (
            partition by vendor, plan, month_start, hidden_line_count > 0
            order by hidden_person_count, {{ byte_order('department_id') }}
        ) as smaller_person_count
    from departments

),

judged as (

    select
        ranked.*,
        hidden_line_count > 0
        and (
            hidden_person_count < {{ var('minimum_group_size') }}
            or coalesce(smaller_person_count < {{ var('minimum_group_size') }}, false)
        ) as is_hidden
    from ranked

),

organizations as (

    select
        month_start,
        quarter_start,
        case
            when
                count(*) = count(idle_seat_cost_usd)
                and (
                    sum(hidden_line_count) = 0
                    or max(hidden_person_count) >= {{ var('minimum_group_size') }}
                )
                and (
                    count(case when is_hidden then 1 end) = 0
                    or max(case when is_hidden then hidden_person_count end)
                    >= {{ var('minimum_group_size') }}
                )
                then sum(idle_seat_cost_usd)
        end as idle_seat_cost_usd
    from judged
    group by vendor, plan, month_start, quarter_start

),

shown as (

    select
        'team' as scope_type,
        team_id as scope_id,
        quarter_team_id as quarter_scope_id,
        case when is_reported then idle_seat_cost_usd end as idle_seat_cost_usd,
        month_start,
        quarter_start
    from lines

    union all

    select
        'department' as scope_type,
        department_id as scope_id,
        department_id as quarter_scope_id,
        case when not is_hidden then idle_seat_cost_usd end as idle_seat_cost_usd,
        month_start,
        quarter_start
    from judged

    union all

    select
        'organization' as scope_type,
        'organization' as scope_id,
        'organization' as quarter_scope_id,
        idle_seat_cost_usd,
        month_start,
        quarter_start
    from organizations

),

parts as (

    select
        'month' as period_type,
        month_start as period_start,
        scope_type,
        scope_id,
        idle_seat_cost_usd
    from shown

    union all

    select
        'quarter' as period_type,
        quarter_start as period_start,
        scope_type,
        quarter_scope_id as scope_id,
        idle_seat_cost_usd
    from shown

    union all

    -- A line that moves between departments would be their months less their quarter.
    select
        'quarter' as period_type,
        quarter_start as period_start,
        'department' as scope_type,
        department_id as scope_id,
        cast(null as numeric(38, 12)) as idle_seat_cost_usd
    from lines
    where department_id <> quarter_department_id

    union all

    select
        'quarter' as period_type,
        quarter_start as period_start,
        'department' as scope_type,
        quarter_department_id as scope_id,
        cast(null as numeric(38, 12)) as idle_seat_cost_usd
    from lines
    where department_id <> quarter_department_id

    union all

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
