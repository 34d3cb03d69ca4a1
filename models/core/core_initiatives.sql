-- One row per initiative and team; without a team it is for everyone.
with

initiatives as (

    select * from {{ union_systems('initiatives') }}

),

final as (

    select
        initiative_id,
        team_id,
        kind,
        description,
        started_on,
        {{ seen('ended_on') }} as ended_on
    from initiatives
    where started_on < {{ as_of() }}

)

select * from final
