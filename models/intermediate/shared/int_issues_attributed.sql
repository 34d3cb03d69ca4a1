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

final as (

    select
        issues.issue_id,
        issues.issue_type,
        issues.service_id,
        coalesce(teams.team_id, services.team_id, 'unattributed') as team_id,
        issues.reopened_count,
        issues.is_escaped_defect,
        issues.created_at,
        issues.started_at,
        issues.resolved_at
    from issues
    left join teams
        on issues.team_id = teams.team_id
    left join services
        on issues.service_id = services.service_id

)

select * from final
