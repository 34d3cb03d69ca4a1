-- One row per month or quarter, team and scope that its AI figures count in.
with

groups as (

    select * from {{ ref('int_team_reporting_groups') }}

),

final as (

    select
        period_type,
        period_start,
        team_id,
        'organization' as scope_type,
        'organization' as scope_id,
        null as department_id
    from groups

    union all

    select
        period_type,
        period_start,
        team_id,
        'department' as scope_type,
        reporting_department_id as scope_id,
        reporting_department_id as department_id
    from groups

    union all

    select
        period_type,
        period_start,
        team_id,
        'team' as scope_type,
        reporting_team_id as scope_id,
        reporting_department_id as department_id
    from groups

)

select * from final
