-- One row per scope that figures are given for: the organization, each department, team
-- and service.
with

teams as (

    select * from {{ ref('core_teams') }}

),

services as (

    select * from {{ ref('core_services') }}

),

final as (

    select
        'organization' as scope_type,
        'organization' as scope_id,
        'Organization' as scope_name

    union all

    select distinct
        'department' as scope_type,
        department_id as scope_id,
        department_name as scope_name
    from teams

    union all

    select
        'team' as scope_type,
        team_id as scope_id,
        team_name as scope_name
    from teams

    union all

    select
        'service' as scope_type,
        service_id as scope_id,
        service_name as scope_name
    from services

)

select * from final
