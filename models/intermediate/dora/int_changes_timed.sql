-- One row per merged change, with its team, moments, stages and lead time. A stage that
-- would be negative is null and counted in negative_stage_count, never clipped to 0.
with

pull_requests as (

    select * from {{ ref('core_pull_requests') }}

),

first_reviews as (

    select * from {{ ref('int_changes_first_reviewed') }}

),

links as (

    select * from {{ ref('int_changes_linked_to_deployments') }}

),

services as (

    select * from {{ ref('core_services') }}

),

memberships as (

    select * from {{ ref('int_team_membership_segments') }}

),

joined as (

    select
        links.pull_request_id,
        links.service_id,
        coalesce(memberships.team_id, services.team_id, 'unattributed') as team_id,
        links.deployment_id,
        links.repository,
        links.deployment_link_method,
        links.is_only_in_baseline,
        links.is_bot_change,
        links.is_revert,
        links.is_hotfix,
        pull_requests.first_commit_at,
        pull_requests.created_at,
        coalesce(pull_requests.ready_at, pull_requests.created_at) as reviewable_at,
        first_reviews.first_review_at,
        links.merged_at,
        links.deployed_at
    from links
    inner join pull_requests
        on links.pull_request_id = pull_requests.pull_request_id
    left join first_reviews
        on links.pull_request_id = first_reviews.pull_request_id
    left join services
        on links.service_id = services.service_id
    left join memberships
        on
            pull_requests.author_id = memberships.person_id
            and memberships.is_primary
            and cast(links.merged_at as date) >= memberships.valid_from
            and cast(links.merged_at as date) < memberships.valid_to

),

measured as (

    select
        joined.*,
        {{ seconds_between('first_commit_at', 'reviewable_at') }} as coding_seconds,
        {{ seconds_between('reviewable_at', 'first_review_at') }} as pickup_seconds,
        {{ seconds_between('first_review_at', 'merged_at') }} as review_seconds,
        {{ seconds_between('merged_at', 'deployed_at') }} as deploy_seconds,
        case
            when is_only_in_baseline then 'no_baseline'
            when service_id is null then 'no_service'
            when deployed_at is null then 'not_deployed'
            when deployed_at < merged_at then 'deployed_before_merge'
            when first_commit_at is null then 'no_commits'
            when deployed_at < first_commit_at then 'deployed_before_first_commit'
        end as no_lead_time_reason
    from joined

),

final as (

    select
        pull_request_id,
        service_id,
        team_id,
        deployment_id,
        repository,
        deployment_link_method,
        no_lead_time_reason,
        case when coding_seconds >= 0 then coding_seconds end as coding_seconds,
        case when pickup_seconds >= 0 then pickup_seconds end as pickup_seconds,
        case when review_seconds >= 0 then review_seconds end as review_seconds,
        case when deploy_seconds >= 0 then deploy_seconds end as deploy_seconds,
        case
            when no_lead_time_reason is null
                then {{ seconds_between('first_commit_at', 'deployed_at') }}
        end as change_lead_time_seconds,
        case when coding_seconds < 0 then 1 else 0 end
        + case when pickup_seconds < 0 then 1 else 0 end
        + case when review_seconds < 0 then 1 else 0 end
        + case when deploy_seconds < 0 then 1 else 0 end as negative_stage_count,
        is_bot_change,
        is_revert,
        is_hotfix,
        first_commit_at,
        created_at,
        first_review_at,
        merged_at,
        deployed_at
    from measured

)

select * from final
