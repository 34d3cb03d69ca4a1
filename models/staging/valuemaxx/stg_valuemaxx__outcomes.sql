-- One row per scope (a file, a repository) in the last run.
with

records as (

    select * from {{ latest(source('valuemaxx', 'outcomes')) }}

),

final as (

    select
        system,
        scope,
        status,
        message
    from records

)

select * from final
