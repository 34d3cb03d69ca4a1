-- One row per merged change whose commits say which deployment shipped it: the earliest
-- that ships its merge commit; only if none does, the earliest that ships any other
-- commit of it. A baseline counts only where nothing else ships it.
with

pull_requests as (

    select * from {{ ref('core_pull_requests') }}

),

pull_request_commits as (

    select * from {{ ref('core_pull_request_commits') }}

),

deployment_commits as (

    select * from {{ ref('int_deployment_commits') }}

),

changes as (

    select
        pull_request_id,
        merge_commit_sha
    from pull_requests
    where merged_at is not null

),

by_merge_commit as (

    select
        changes.pull_request_id,
        deployment_commits.deployment_id,
        deployment_commits.service_id,
        deployment_commits.link_method,
        deployment_commits.is_baseline,
        deployment_commits.finished_at
    from changes
    inner join deployment_commits
        on changes.merge_commit_sha = deployment_commits.commit_sha

),

merge_commits_shipped as (

    select pull_request_id
    from by_merge_commit
    group by pull_request_id

),

other_commits as (

    select
        changes.pull_request_id,
        pull_request_commits.commit_sha
    from changes
    inner join pull_request_commits
        on changes.pull_request_id = pull_request_commits.pull_request_id
    left join merge_commits_shipped
        on changes.pull_request_id = merge_commits_shipped.pull_request_id
    where merge_commits_shipped.pull_request_id is null

),

by_other_commit as (

    select
        other_commits.pull_request_id,
        deployment_commits.deployment_id,
        deployment_commits.service_id,
        deployment_commits.link_method,
        deployment_commits.is_baseline,
        deployment_commits.finished_at
    from other_commits
    inner join deployment_commits
        on other_commits.commit_sha = deployment_commits.commit_sha

),

candidates as (

    select
        pull_request_id,
        deployment_id,
        service_id,
        link_method,
        is_baseline,
        finished_at
    from by_merge_commit
    union all
    select
        pull_request_id,
        deployment_id,
        service_id,
        link_method,
        is_baseline,
        finished_at
    from by_other_commit

),

ranked as (

    select
        candidates.*,
        row_number() over (
            partition by pull_request_id
            order by
                case when is_baseline then 1 else 0 end,
                finished_at,
                {{ byte_order('deployment_id') }},
                link_method desc
        ) as deployment_rank
    from candidates

),

final as (

    select
        pull_request_id,
        deployment_id,
        service_id,
        link_method,
        is_baseline,
        finished_at
    from ranked
    where deployment_rank = 1

)

select * from final
