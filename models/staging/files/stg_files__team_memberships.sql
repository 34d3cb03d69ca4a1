-- One row per person, team and first day in it. A missing share is a whole one.
with

records as (

    select * from {{ latest(source('files', 'team_memberships')) }}

),

final as (

    select
        person_id,
        team_id,
        coalesce(share, 1) as share,
        valid_from,
        valid_to
    from records

)

select * from final
