-- One row per scope (a file, a repository) in the last run, read or not.
with

outcomes as (

    select * from {{ ref('stg_valuemaxx__outcomes') }}

),

final as (

    select
        system,
        scope,
        status,
        message
    from outcomes

)

select * from final
