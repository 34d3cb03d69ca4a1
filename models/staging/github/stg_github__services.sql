-- One row per service and repository that is deployed as it.
with

records as (

    select * from {{ latest(source('github', 'services')) }}

),

final as (

    select
        service_id,
        'github' as system,
        cast(null as text) as service_name,
        team_id,
        repository
    from records

)

select * from final
