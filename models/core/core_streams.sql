-- One row per stream of an enabled system.
with

streams as (

    select * from {{ ref('stg_valuemaxx__streams') }}

),

final as (

    select
        system,
        stream,
        fold
    from streams

)

select * from final
