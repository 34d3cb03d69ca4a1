-- One row per service that a feed, a clone, a deployment or an incident names. A feed's
-- word on name, team and repository comes before the others'.
with

named_services as (

    select * from {{ union_systems('services') }}

),

deployments as (

    select * from {{ union_systems('deployments') }}

),

incidents as (

    select * from {{ union_systems('incidents') }}

),

teams as (

    select * from {{ ref('core_teams') }}

),

service_ids as (

    select service_id from named_services
    union
    select service_id from deployments
    where coalesce(started_at, finished_at) < {{ as_of() }}
    union
    select service_id from incidents
    where opened_at < {{ as_of() }} and service_id is not null

),

feed_services as (

    select
        service_id,
        service_name,
        team_id,
        repository
    from named_services
    where system = 'files'

),

system_services as (

    select
        service_id,
        min(service_name) as service_name,
        min(team_id) as team_id,
        min(repository) as repository
    from named_services
    where system <> 'files'
    group by service_id

),

final as (

    select
        service_ids.service_id,
        coalesce(teams.team_id, 'unattributed') as team_id,
        coalesce(
            feed_services.service_name,
            system_services.service_name,
            service_ids.service_id
        ) as service_name,
        coalesce(feed_services.repository, system_services.repository) as repository
    from service_ids
    left join feed_services
        on feed_services.service_id = service_ids.service_id
    left join system_services
        on system_services.service_id = service_ids.service_id
    left join teams
        on teams.team_id = coalesce(feed_services.team_id, system_services.team_id)

)

select * from final
