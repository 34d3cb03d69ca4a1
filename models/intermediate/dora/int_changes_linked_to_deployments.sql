-- One row per merged change, with the deployment that took it to production, if one is
-- known. What only a baseline ships has no deployment: nobody knows since when it was
-- in production.
with

pull_requests as (

    select * from {{ ref('core_pull_requests') }}

),

only_services as (

    select * from {{ ref('int_repositories_of_one_service') }}

),

shipped as (

    select * from {{ ref('int_changes_shipped') }}

),

deployed_after_merge as (

    select * from {{ ref('int_changes_deployed_after_merge') }}

),

links as (

    select
        pull_request_id,
        case when not is_baseline then deployment_id end as deployment_id,
        service_id,
        case when not is_baseline then link_method end as deployment_link_method,
        is_baseline,
        case when not is_baseline then finished_at end as deployed_at
    from shipped

    union all

    select
        deployed_after_merge.pull_request_id,
        deployed_after_merge.deployment_id,
        deployed_after_merge.service_id,
        'first_after_merge' as deployment_link_method,
        false as is_baseline,
        deployed_after_merge.finished_at as deployed_at
    from deployed_after_merge
    left join shipped
        on deployed_after_merge.pull_request_id = shipped.pull_request_id
    where shipped.pull_request_id is null

),

final as (

    select
        pull_requests.pull_request_id,
        links.deployment_id,
        coalesce(links.service_id, only_services.service_id) as service_id,
        pull_requests.repository,
        links.deployment_link_method,
        coalesce(links.is_baseline, false) as is_only_in_baseline,
        coalesce(pull_requests.author_is_bot, false) as is_bot_change,
        coalesce(pull_requests.is_revert, false) as is_revert,
        coalesce(pull_requests.is_hotfix, false) as is_hotfix,
        pull_requests.merged_at,
        links.deployed_at
    from pull_requests
    left join links
        on pull_requests.pull_request_id = links.pull_request_id
    left join only_services
        on pull_requests.repository = only_services.repository
    where pull_requests.merged_at is not null

)

select * from final
