-- One row per team, and one for what belongs to no team. A department is the top-most
-- ancestor; a team whose ancestors run in a circle has no parent and is its own
-- department.
with recursive

teams as (

    select
        team_id,
        parent_team_id,
        team_name,
        cost_center
    from {{ union_systems('teams') }}
    -- The id is taken: the row for it is made below.
    where team_id <> 'unattributed'

),

parents as (

    select
        teams.team_id,
        known_teams.team_id as parent_team_id
    from teams
    left join teams as known_teams
        on known_teams.team_id = teams.parent_team_id

),

-- "union" and not "union all": a pair seen before is not followed again, so circles
-- end.
ancestors as (

    select
        team_id,
        team_id as ancestor_team_id
    from parents
    union
    select
        ancestors.team_id,
        parents.parent_team_id as ancestor_team_id
    from ancestors
    inner join parents
        on parents.team_id = ancestors.ancestor_team_id
    where parents.parent_team_id is not null

),

roots as (

    select
        ancestors.team_id,
        ancestors.ancestor_team_id as department_id
    from ancestors
    inner join parents
        on parents.team_id = ancestors.ancestor_team_id
    where parents.parent_team_id is null

),

final as (

    select
        teams.team_id,
        case
            when roots.team_id is not null then parents.parent_team_id
        end as parent_team_id,
        coalesce(roots.department_id, teams.team_id) as department_id,
        teams.team_name,
        coalesce(departments.team_name, teams.team_name) as department_name,
        teams.cost_center
    from teams
    inner join parents
        on parents.team_id = teams.team_id
    left join roots
        on roots.team_id = teams.team_id
    left join teams as departments
        on departments.team_id = roots.department_id

    union all

    select
        'unattributed' as team_id,
        cast(null as text) as parent_team_id,
        'unattributed' as department_id,
        'Unattributed' as team_name,
        'Unattributed' as department_name,
        cast(null as text) as cost_center

)

select * from final
