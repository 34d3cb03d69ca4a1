-- One row per initiative and team; without a team it is for everyone.
with

records as (

    select * from {{ latest(source('files', 'initiatives')) }}

),

final as (

    select
        'files:' || initiative_id as initiative_id,
        team_id,
        kind,
        description,
        started_on,
        ended_on
    from records

)

select * from final
