-- One row per scope (a file, a repository) in the last run. One that could not be read
-- is a row with a message, not an absence.
with

scopes as (

    select * from {{ ref('core_scopes') }}

),

final as (

    select
        system,
        scope,
        status,
        message
    from scopes

)

select * from final
