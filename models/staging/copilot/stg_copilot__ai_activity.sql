-- One row per person and day. Lines that an agent wrote were never suggested: they are
-- not accepted ones.
with

records as (

    select * from {{ latest(source('copilot', 'user_days')) }}

),

final as (

    select
        person_id,
        activity_date,
        'copilot' as tool,
        'github' as vendor,
        -- Only the command line counts sessions, and it is not all of a day.
        cast(null as bigint) as session_count,
        interactions as interaction_count,
        agent_generations as agent_action_count,
        cast(null as bigint) as completed_agent_task_count,
        suggested_lines_added as suggested_line_count,
        case
            when lines_added < agent_lines_added then 0
            else lines_added - coalesce(agent_lines_added, 0)
        end as accepted_line_count
    from records
    where person_id is not null

)

select * from final
