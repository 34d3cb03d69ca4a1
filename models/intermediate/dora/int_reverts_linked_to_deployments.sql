-- One row per service and reverted commit whose revert the service deployed, with the
-- deployment that first shipped each of the two. A commit without a deployment of its
-- own goes with its change.
with

reverts as (

    select
        reverted_commit_sha,
        revert_commit_sha
    from {{ ref('core_reverts') }}
    group by reverted_commit_sha, revert_commit_sha

),

deployments as (

    select * from {{ ref('int_deployments_numbered') }}

),

deployment_commits as (

    select * from {{ ref('int_deployment_commits') }}

),

pull_requests as (

    select * from {{ ref('core_pull_requests') }}

),

pull_request_commits as (

    select * from {{ ref('core_pull_request_commits') }}

),

links as (

    select * from {{ ref('int_changes_linked_to_deployments') }}

),

commits_in_question as (

    select reverted_commit_sha as commit_sha from reverts
    union distinct
    select revert_commit_sha as commit_sha from reverts

),

commit_deployments as (

    select
        deployment_commits.deployment_id,
        deployment_commits.commit_sha
    from deployment_commits
    inner join commits_in_question
        on deployment_commits.commit_sha = commits_in_question.commit_sha

    union distinct

    select
        links.deployment_id,
        pull_requests.merge_commit_sha as commit_sha
    from links
    inner join pull_requests
        on links.pull_request_id = pull_requests.pull_request_id
    inner join commits_in_question
        on pull_requests.merge_commit_sha = commits_in_question.commit_sha
    where links.deployment_id is not null

    union distinct

    select
        links.deployment_id,
        pull_request_commits.commit_sha
    from links
    inner join pull_request_commits
        on links.pull_request_id = pull_request_commits.pull_request_id
    inner join commits_in_question
        on pull_request_commits.commit_sha = commits_in_question.commit_sha
    where links.deployment_id is not null

),

ranked as (

    select
        deployments.service_id,
        commit_deployments.commit_sha,
        commit_deployments.deployment_id,
        deployments.deployment_number,
        deployments.finished_at,
        row_number() over (
            partition by deployments.service_id, commit_deployments.commit_sha
            order by deployments.deployment_number
        ) as deployment_rank
    from commit_deployments
    inner join deployments
        on commit_deployments.deployment_id = deployments.deployment_id

),

first_deployments as (

    select
        service_id,
        commit_sha,
        deployment_id,
        deployment_number,
        finished_at
    from ranked
    where deployment_rank = 1

),

final as (

    select
        mending.service_id,
        reverts.reverted_commit_sha,
        reverts.revert_commit_sha,
        broken.deployment_id as reverted_deployment_id,
        mending.deployment_id as revert_deployment_id,
        coalesce(
            broken.deployment_number < mending.deployment_number
            and {{ seconds_between('broken.finished_at', 'mending.finished_at') }}
            <= {{ var('failure_window_hours') }} * 3600,
            false
        ) as is_failure,
        mending.finished_at as reverted_at
    from reverts
    inner join first_deployments as mending
        on reverts.revert_commit_sha = mending.commit_sha
    left join first_deployments as broken
        on
            reverts.reverted_commit_sha = broken.commit_sha
            and mending.service_id = broken.service_id

)

select * from final
