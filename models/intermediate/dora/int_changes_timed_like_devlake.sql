-- One row per merged change, with the parts that Apache DevLake adds up: whole minutes,
-- rounded up, what is negative after that left out. Deployed = the earliest deployment
-- that ships its merge commit; a service's first one ships nothing.
with

changes as (

    select * from {{ ref('int_changes_timed') }}

),

pull_requests as (

    select * from {{ ref('core_pull_requests') }}

),

reviews as (

    select * from {{ ref('core_reviews') }}

),

deployment_commits as (

    select * from {{ ref('int_deployment_commits') }}

),

first_reviews as (

    -- A bot's account is another account; a deleted one may be the author's.
    select
        pull_requests.pull_request_id,
        min(reviews.submitted_at) as first_review_at
    from pull_requests
    inner join reviews
        on pull_requests.pull_request_id = reviews.pull_request_id
    where
        reviews.reviewer_id is not null
        and reviews.reviewer_id <> coalesce(pull_requests.author_id, '')
    group by pull_requests.pull_request_id

),

shipped as (

    select
        pull_requests.pull_request_id,
        deployment_commits.deployment_id,
        deployment_commits.finished_at,
        row_number() over (
            partition by pull_requests.pull_request_id
            order by
                deployment_commits.finished_at,
                {{ byte_order('deployment_commits.deployment_id') }}
        ) as deployment_rank
    from pull_requests
    inner join deployment_commits
        on pull_requests.merge_commit_sha = deployment_commits.commit_sha
    where
        deployment_commits.deployment_number > 1
        and not deployment_commits.is_baseline

),

parts as (

    select
        changes.pull_request_id,
        shipped.deployment_id,
        {{ minutes_rounded_up('changes.first_commit_at', 'changes.created_at') }}
            as coding_minutes,
        {{ minutes_rounded_up('changes.created_at', 'changes.merged_at') }}
            as open_minutes,
        {{ minutes_rounded_up('changes.merged_at', 'shipped.finished_at') }}
            as deploy_minutes,
        {{ minutes_rounded_up('changes.created_at', 'first_reviews.first_review_at') }}
            as pickup_minutes,
        {{ minutes_rounded_up('first_reviews.first_review_at', 'changes.merged_at') }}
            as review_minutes,
        shipped.finished_at as deployed_at
    from changes
    left join first_reviews
        on changes.pull_request_id = first_reviews.pull_request_id
    left join shipped
        on
            changes.pull_request_id = shipped.pull_request_id
            and shipped.deployment_rank = 1

),

final as (

    select
        pull_request_id,
        deployment_id,
        coding_minutes,
        open_minutes,
        deploy_minutes,
        pickup_minutes,
        review_minutes,
        case
            when coalesce(coding_minutes, open_minutes, deploy_minutes) is not null
                then
                    coalesce(coding_minutes, 0)
                    + coalesce(open_minutes, 0)
                    + coalesce(deploy_minutes, 0)
        end as cycle_minutes,
        deployed_at
    from parts

)

select * from final
