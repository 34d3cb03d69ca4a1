-- One row per scope, quarter and type in which work of the type was finished, with the
-- median of the time it took.
with

work as (

    select * from {{ ref('int_work_typed') }}

),

days_in_periods as (

    select * from {{ ref('int_days_in_periods') }}
    where period_type = 'quarter'

),

in_quarters as (

    select
        days_in_periods.period_start,
        work.work_type,
        work.service_id,
        work.team_id,
        work.department_id,
        work.work_seconds
    from work
    inner join days_in_periods
        on cast(work.finished_at as date) = days_in_periods.date_day

),

final as (

    select
        period_start,
        work_type,
        {{ grouped_scope_type() }} as scope_type,
        {{ grouped_scope_id() }} as scope_id,
        count(*) as finished_count,
        {{ percentile('work_seconds', 0.5) }} as median_work_seconds
    from in_quarters
    group by {{ scope_grouping_sets(['period_start', 'work_type']) }}

)

select * from final
