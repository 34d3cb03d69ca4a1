-- One row per issue, with whose it is: its own team's if that is known, else its
-- service's, else nobody's.
with

issues as (

    select * from {{ ref('core_issues') }}

),

services as (

    select * from {{ ref('core_services') }}

),

teams as (

    select * from {{ ref('core_teams') }}

),

attributed as (

    select
        issues.issue_id,
        issues.issue_type,
        issues.service_id,
        coalesce(own_teams.team_id, services.team_id, 'unattributed') as team_id,
        issues.reopened_count,
        issues.is_escaped_defect,
        issues.created_at,
        issues.started_at,
        issues.resolved_at
    from issues
    left join teams as own_teams
        on issues.team_id = own_teams.team_id
    left join services
        on issues.service_id = services.service_id

),

final as (

    select
        attributed.issue_id,
        attributed.issue_type,
        attributed.service_id,
        attributed.team_id,
        teams.department_id,
        attributed.reopened_count,
        attributed.is_escaped_defect,
        attributed.created_at,
        attributed.started_at,
        attributed.resolved_at
    from attributed
    inner join teams
        on attributed.team_id = teams.team_id

)

select * from final
