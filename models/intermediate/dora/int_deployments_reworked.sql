-- One row per deployment that was rework, by the first reason that applies: unplanned,
-- remediates_incident, rollback, revert, hotfix. A revert that ships together with what
-- it reverts mends nothing in production and is none.
with

deployments as (

    select * from {{ ref('int_deployments_numbered') }}

),

reverts as (

    select * from {{ ref('int_reverts_linked_to_deployments') }}

),

known_reverts as (

    select revert_commit_sha
    from {{ ref('core_reverts') }}
    group by revert_commit_sha

),

links as (

    select * from {{ ref('int_changes_linked_to_deployments') }}

),

pull_requests as (

    select * from {{ ref('core_pull_requests') }}

),

pull_request_commits as (

    select * from {{ ref('core_pull_request_commits') }}

),

-- reverts by their title alone: no commit of theirs says what it reverts
known_revert_changes as (

    select pull_requests.pull_request_id
    from pull_requests
    inner join known_reverts
        on pull_requests.merge_commit_sha = known_reverts.revert_commit_sha
    union distinct
    select pull_request_commits.pull_request_id
    from pull_request_commits
    inner join known_reverts
        on pull_request_commits.commit_sha = known_reverts.revert_commit_sha

),

reasons as (

    select
        deployment_id,
        1 as priority
    from deployments
    where is_unplanned

    union all

    select
        deployment_id,
        2 as priority
    from deployments
    where is_remediation

    union all

    select
        deployment_id,
        3 as priority
    from deployments
    where is_rollback

    union all

    select
        revert_deployment_id as deployment_id,
        4 as priority
    from reverts
    where revert_deployment_id <> coalesce(reverted_deployment_id, '')

    union all

    select
        links.deployment_id,
        4 as priority
    from links
    left join known_revert_changes
        on links.pull_request_id = known_revert_changes.pull_request_id
    where
        links.is_revert
        and links.deployment_id is not null
        and known_revert_changes.pull_request_id is null

    union all

    select
        deployment_id,
        5 as priority
    from links
    where
        is_hotfix
        and deployment_id is not null

),

first_reasons as (

    select
        deployment_id,
        min(priority) as priority
    from reasons
    group by deployment_id

),

final as (

    select
        deployment_id,
        case priority
            when 1 then 'unplanned'
            when 2 then 'remediates_incident'
            when 3 then 'rollback'
            when 4 then 'revert'
            when 5 then 'hotfix'
        end as rework_reason
    from first_reasons

)

select * from final
