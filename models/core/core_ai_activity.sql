-- One row per person, day and tool. The days of one person's handles are added up.
with

activity as (

    select * from {{ union_systems('ai_activity') }}

),

identities as (

    select * from {{ ref('core_identities') }}

),

resolved as (

    select
        activity.*,
        coalesce(identities.person_id, activity.person_id) as resolved_person_id
    from activity
    left join identities
        on identities.handle_id = activity.person_id
    where activity.activity_date < {{ as_of() }}

),

final as (

    select
        resolved_person_id as person_id,
        activity_date,
        tool,
        min(vendor) as vendor,
        cast(sum(session_count) as bigint) as session_count,
        cast(sum(interaction_count) as bigint) as interaction_count,
        cast(sum(agent_action_count) as bigint) as agent_action_count,
        cast(sum(completed_agent_task_count) as bigint) as completed_agent_task_count,
        cast(sum(suggested_line_count) as bigint) as suggested_line_count,
        cast(sum(accepted_line_count) as bigint) as accepted_line_count
    from resolved
    group by resolved_person_id, activity_date, tool

)

select * from final
