-- One row per stream of an enabled system.
with

records as (

    select * from {{ latest(source('valuemaxx', 'streams')) }}

),

final as (

    select
        system,
        stream,
        fold
    from records

)

select * from final
