-- One row per issue. When work on it began, GitHub does not say.
with

records as (

    select * from {{ latest(source('github', 'issues')) }}

),

final as (

    select
        'github:' || issue_id as issue_id,
        'github' as system,
        issue_type,
        cast(null as text) as team_id,
        service_id,
        'github:' || parent_issue_id as parent_issue_id,
        labels,
        cast(null as text) as work_type,
        reopened_count,
        is_escaped_defect,
        created_at,
        cast(null as timestamp) as started_at,
        closed_at as resolved_at
    from records

)

select * from final
