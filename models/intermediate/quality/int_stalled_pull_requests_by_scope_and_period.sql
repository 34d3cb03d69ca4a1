-- One row per scope and period at whose end (or at as_of, if that comes first) pull
-- requests had been open for longer than the policy's days.
with

pull_requests as (

    select * from {{ ref('int_pull_requests_attributed') }}

),

periods as (

    select * from {{ ref('int_periods') }}

),

stalled as (

    select
        service_id,
        team_id,
        department_id,
        created_at
        + {{ var('stalled_pull_request_days') }} * interval '1 day' as stalled_at,
        ended_at
    from pull_requests
    where created_at is not null and not is_bot_change

),

ends as (

    select
        period_type,
        period_start,
        least(cast(period_end as timestamp), {{ as_of() }}) as ends_at
    from periods

),

in_periods as (

    select
        ends.period_type,
        ends.period_start,
        stalled.service_id,
        stalled.team_id,
        stalled.department_id
    from stalled
    inner join ends
        on
            stalled.stalled_at < ends.ends_at
            and (stalled.ended_at is null or stalled.ended_at >= ends.ends_at)
    -- Follows from the above, and leaves out most of them before the join.
    where stalled.ended_at is null or stalled.stalled_at < stalled.ended_at

),

final as (

    select
        period_type,
        period_start,
        {{ grouped_scope_type() }} as scope_type,
        {{ grouped_scope_id() }} as scope_id,
        count(*) as stalled_open_pull_request_count
    from in_periods
    group by {{ scope_grouping_sets(['period_type', 'period_start']) }}

)

select * from final
