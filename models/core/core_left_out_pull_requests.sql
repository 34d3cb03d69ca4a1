-- One row per pull request that the lake knows and core_pull_requests does not have:
-- another system gives its repository, or as_of does not see it yet. What hangs on it
-- is left out too.
with

pull_requests as (

    select * from {{ union_systems('pull_requests') }}

),

kept_pull_requests as (

    select * from {{ ref('core_pull_requests') }}

),

final as (

    select distinct pull_requests.pull_request_id
    from pull_requests
    left join kept_pull_requests
        on kept_pull_requests.pull_request_id = pull_requests.pull_request_id
    where kept_pull_requests.pull_request_id is null

)

select * from final
