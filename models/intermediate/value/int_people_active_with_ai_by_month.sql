-- One row per person and month in which they used an AI tool on enough distinct days.
-- Days count, never tokens. A report of activity whose counts are all 0 is no use; one
-- without any count is.
with

usage_records as (

    select * from {{ ref('core_ai_usage') }}

),

activity as (

    select * from {{ ref('core_ai_activity') }}

),

person_days as (

    select
        person_id,
        cast(occurred_at as date) as used_date
    from usage_records
    where person_id is not null

    union

    select
        person_id,
        cast(activity_date as date) as used_date
    from activity
    where
        person_id is not null
        and coalesce(
            greatest(
                session_count,
                interaction_count,
                agent_action_count,
                completed_agent_task_count,
                suggested_line_count,
                accepted_line_count
            ),
            1
        ) > 0

),

final as (

    select
        person_id,
        {{ period_start('month', 'used_date') }} as period_start,
        count(*) as active_day_count
    from person_days
    group by person_id, {{ period_start('month', 'used_date') }}
    having count(*) >= {{ var('active_days_per_month') }}

)

select * from final
