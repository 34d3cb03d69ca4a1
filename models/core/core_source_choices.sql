-- One row per fact that several systems may know (pull_requests of a repository,
-- deployments and incidents of a service) and system that knows it. The first system of
-- var('precedence') is chosen and gives it all; the others are set aside, never added.
with

known_facts as (

    select
        'pull_requests' as stream,
        repository as owner_id,
        system
    from {{ union_systems('pull_requests') }}
    where coalesce(created_at, merged_at) < {{ as_of() }}

    union all

    select
        'deployments' as stream,
        service_id as owner_id,
        system
    from {{ union_systems('deployments') }}
    where coalesce(started_at, finished_at) < {{ as_of() }}

    union all

    select
        'incidents' as stream,
        service_id as owner_id,
        system
    from {{ union_systems('incidents') }}
    where opened_at < {{ as_of() }} and service_id is not null

),

counted as (

    select
        stream,
        owner_id,
        system,
        count(*) as record_count
    from known_facts
    group by stream, owner_id, system

),

ranked as (

    select
        counted.*,
        row_number() over (
            partition by stream, owner_id
            order by {{ precedence('system') }}, {{ byte_order('system') }}
        ) as preference
    from counted

),

final as (

    select
        stream,
        owner_id,
        system,
        record_count,
        preference = 1 as is_chosen
    from ranked

)

select * from final
