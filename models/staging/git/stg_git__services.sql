-- One row per service that a clone is deployed as. Git knows no team.
with

records as (

    select * from {{ latest(source('git', 'services')) }}

),

final as (

    select
        service_id,
        'git' as system,
        cast(null as text) as service_name,
        cast(null as text) as team_id,
        repository
    from records

)

select * from final
