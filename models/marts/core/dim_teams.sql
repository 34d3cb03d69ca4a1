-- One row per team, and one for what belongs to no team.
with

teams as (

    select * from {{ ref('core_teams') }}

),

final as (

    select
        team_id,
        parent_team_id,
        department_id,
        team_name,
        department_name,
        cost_center
    from teams

)

select * from final
