-- One row per issue. Whatever stands at the level of epics is an epic, in any language.
with

records as (

    select * from {{ latest(source('jira', 'issues')) }}

),

final as (

    select
        'jira:' || issue_id as issue_id,
        'jira' as system,
        case when hierarchy_level = 1 then 'epic' else issue_type end as issue_type,
        team_id,
        service_id,
        'jira:' || parent_issue_id as parent_issue_id,
        labels,
        work_type,
        reopened_count,
        is_escaped_defect,
        created_at,
        started_at,
        resolved_at
    from records

)

select * from final
