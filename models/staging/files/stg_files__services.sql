-- One row per service of the feeds.
with

records as (

    select * from {{ latest(source('files', 'services')) }}

),

final as (

    select
        service_id,
        'files' as system,
        service_name,
        team_id,
        repository
    from records

)

select * from final
