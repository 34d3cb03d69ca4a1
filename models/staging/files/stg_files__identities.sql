-- One row per handle of a system.
with

records as (

    select * from {{ latest(source('files', 'identities')) }}

),

final as (

    select
        handle_id,
        person_id,
        lower(system) as system
    from records

)

select * from final
