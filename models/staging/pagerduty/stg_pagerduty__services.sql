-- One row per service. PagerDuty knows no repository, and its teams are on call, not
-- owners.
with

records as (

    select * from {{ latest(source('pagerduty', 'services')) }}

),

final as (

    select
        service_id,
        'pagerduty' as system,
        min(service_name) as service_name,
        cast(null as text) as team_id,
        cast(null as text) as repository
    from records
    group by service_id

)

select * from final
