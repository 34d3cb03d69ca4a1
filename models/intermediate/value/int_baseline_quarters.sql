-- One row per scope with a full quarter of data: the quarter it is held against. The
-- last one before the quarter in which it adopted AI, else its first. A team too small
-- to be shown counts as never adopted.
with

scopes as (

    select * from {{ ref('int_scopes') }}

),

services as (

    select * from {{ ref('core_services') }}

),

days as (

    select * from {{ ref('int_days') }}

),

periods as (

    select * from {{ ref('int_periods') }}

),

volumes as (

    select * from {{ ref('int_volumes_by_scope_and_quarter') }}

),

adoptions as (

    select * from {{ ref('int_teams_adopted') }}
    where may_be_shown

),

scopes_adopted as (

    select
        'organization' as scope_type,
        'organization' as scope_id,
        min(adopted_on) as adopted_on
    from adoptions

    union all

    select
        'department' as scope_type,
        department_id as scope_id,
        min(adopted_on) as adopted_on
    from adoptions
    group by department_id

    union all

    select
        'team' as scope_type,
        team_id as scope_id,
        adopted_on
    from adoptions

    union all

    select
        'service' as scope_type,
        services.service_id as scope_id,
        adoptions.adopted_on
    from services
    inner join adoptions
        on services.team_id = adoptions.team_id

),

first_days as (

    select min(date_day) as first_day from days

),

-- A quarter that the data enter in the middle is not full.
full_quarters as (

    select periods.period_start
    from periods
    cross join first_days
    where
        periods.period_type = 'quarter'
        and not periods.is_partial_period
        and {{ add_to_date('periods.period_start', 7, 'day') }} > first_days.first_day

),

final as (

    select
        volumes.scope_type,
        volumes.scope_id,
        coalesce(
            max(
                case
                    when volumes.period_start < {{ period_start(
                        'quarter', 'scopes_adopted.adopted_on'
                    ) }}
                        then volumes.period_start
                end
            ),
            min(volumes.period_start)
        ) as baseline_quarter_start
    from volumes
    inner join full_quarters
        on volumes.period_start = full_quarters.period_start
    inner join scopes
        on
            volumes.scope_type = scopes.scope_type
            and volumes.scope_id = scopes.scope_id
    left join scopes_adopted
        on
            volumes.scope_type = scopes_adopted.scope_type
            and volumes.scope_id = scopes_adopted.scope_id
    where volumes.finished_count > 0
    group by volumes.scope_type, volumes.scope_id

)

select * from final
