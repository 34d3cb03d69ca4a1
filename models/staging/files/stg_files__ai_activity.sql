-- One row per person, day and tool.
with

records as (

    select * from {{ latest(source('files', 'ai_activity')) }}

),

final as (

    select
        person_id,
        activity_date,
        tool,
        lower(vendor) as vendor,
        sessions as session_count,
        interactions as interaction_count,
        agent_actions as agent_action_count,
        agent_tasks_completed as completed_agent_task_count,
        lines_suggested as suggested_line_count,
        lines_accepted as accepted_line_count
    from records

)

select * from final
