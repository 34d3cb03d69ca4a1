-- One row per person, known team and first day in it. An end that as_of has not reached
-- is open.
with

memberships as (

    select * from {{ union_systems('team_memberships') }}

),

identities as (

    select * from {{ ref('core_identities') }}

),

teams as (

    select * from {{ ref('core_teams') }}

),

final as (

    select
        coalesce(identities.person_id, memberships.person_id) as person_id,
        memberships.team_id,
        memberships.share,
        memberships.valid_from,
        {{ seen('memberships.valid_to') }} as valid_to
    from memberships
    inner join teams
        on teams.team_id = memberships.team_id
    left join identities
        on identities.handle_id = memberships.person_id
    where memberships.valid_from < {{ as_of() }}

)

select * from final
