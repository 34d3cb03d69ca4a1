-- One row per team and scope that its facts count in: the organization, its department
-- and itself.
with

teams as (

    select * from {{ ref('core_teams') }}

),

final as (

    select
        team_id,
        'organization' as scope_type,
        'organization' as scope_id
    from teams

    union all

    select
        team_id,
        'department' as scope_type,
        department_id as scope_id
    from teams

    union all

    select
        team_id,
        'team' as scope_type,
        team_id as scope_id
    from teams

)

select * from final
