-- One row per repository that exactly one service has. What happens in it is that
-- service's; in a repository of several nobody can tell.
with

services as (

    select * from {{ ref('core_services') }}

),

final as (

    select
        repository,
        min(service_id) as service_id,
        min(team_id) as team_id
    from services
    where repository is not null
    group by repository
    having count(*) = 1

)

select * from final
