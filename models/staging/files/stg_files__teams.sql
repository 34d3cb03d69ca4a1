-- One row per team of the feeds.
with

records as (

    select * from {{ latest(source('files', 'teams')) }}

),

final as (

    select
        team_id,
        parent_team_id,
        team_name,
        cost_center
    from records

)

select * from final
