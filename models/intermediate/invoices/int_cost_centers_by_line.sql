-- One row per line that costs are posted on, with the cost centre that pays for it: the
-- team's own, else its department's, else nobody's.
with

teams as (

    select * from {{ ref('core_teams') }}

),

final as (

    select
        teams.team_id,
        teams.department_id,
        teams.team_name,
        coalesce(teams.cost_center, departments.cost_center, 'unassigned')
            as cost_center
    from teams
    left join teams as departments
        on teams.department_id = departments.team_id

    union all

    select
        'small_teams' as team_id,
        'small_teams' as department_id,
        'Teams below the minimum group' as team_name,
        'unassigned' as cost_center

)

select * from final
