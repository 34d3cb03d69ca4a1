-- One row per service that a feed, a clone, a deployment or an incident names.
with

services as (

    select * from {{ ref('core_services') }}

),

final as (

    select
        service_id,
        team_id,
        service_name,
        repository
    from services

)

select * from final
