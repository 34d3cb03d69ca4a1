-- One row per issue.
with

records as (

    select * from {{ latest(source('files', 'issues')) }}

),

final as (

    select
        'files:' || issue_id as issue_id,
        'files' as system,
        lower(issue_type) as issue_type,
        team_id,
        service_id,
        {{ entity_id('files', 'parent_issue_id') }} as parent_issue_id,
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
