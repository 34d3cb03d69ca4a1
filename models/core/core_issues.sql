-- One row per issue.
with

issues as (

    select * from {{ union_systems('issues') }}

),

final as (

    select
        issue_id,
        system,
        issue_type,
        team_id,
        service_id,
        parent_issue_id,
        labels,
        work_type,
        reopened_count,
        is_escaped_defect,
        created_at,
        {{ seen('started_at') }} as started_at,
        {{ seen('resolved_at') }} as resolved_at
    from issues
    where created_at < {{ as_of() }}

)

select * from final
