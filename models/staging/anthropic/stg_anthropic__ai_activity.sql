-- One row per person and day with Claude Code, all terminals and plans together. What a
-- key did is nobody's day: it stays in the lake.
with

records as (

    select * from {{ latest(source('anthropic', 'claude_code_days')) }}

),

final as (

    select
        person_id,
        activity_date,
        'claude_code' as tool,
        'anthropic' as vendor,
        cast(sum(sessions) as bigint) as session_count,
        cast(null as bigint) as interaction_count,
        cast(sum(accepted_actions + rejected_actions) as bigint) as agent_action_count,
        cast(null as bigint) as completed_agent_task_count,
        cast(null as bigint) as suggested_line_count,
        cast(sum(lines_added) as bigint) as accepted_line_count
    from records
    where person_id is not null
    group by person_id, activity_date

)

select * from final
