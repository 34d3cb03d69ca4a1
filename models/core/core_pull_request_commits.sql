-- One row per commit of a pull request. Its own system's list; where that has none,
-- what git knows of the same merge commit.
with

pull_request_commits as (

    select * from {{ union_systems('pull_request_commits') }}

),

pull_requests as (

    select * from {{ ref('core_pull_requests') }}

),

left_out as (

    select * from {{ ref('core_left_out_pull_requests') }}

),

commits as (

    select * from {{ ref('core_commits') }}

),

listed as (

    select
        pull_request_commits.pull_request_id,
        pull_request_commits.commit_sha,
        pull_requests.repository,
        pull_request_commits.authored_at
    from pull_request_commits
    left join pull_requests
        on pull_requests.pull_request_id = pull_request_commits.pull_request_id
    left join left_out
        on left_out.pull_request_id = pull_request_commits.pull_request_id
    -- Git lists by merge commit (below), the others by pull request.
    where
        pull_request_commits.merge_commit_sha is null
        and left_out.pull_request_id is null

),

unlisted_pull_requests as (

    select
        pull_requests.pull_request_id,
        pull_requests.repository,
        pull_requests.merge_commit_sha
    from pull_requests
    left join (select distinct pull_request_id from listed) as listed_pull_requests
        on listed_pull_requests.pull_request_id = pull_requests.pull_request_id
    where listed_pull_requests.pull_request_id is null

),

together as (

    select
        pull_request_id,
        commit_sha,
        repository,
        authored_at
    from listed

    union all

    select
        unlisted_pull_requests.pull_request_id,
        pull_request_commits.commit_sha,
        unlisted_pull_requests.repository,
        pull_request_commits.authored_at
    from unlisted_pull_requests
    inner join pull_request_commits
        on
            pull_request_commits.repository = unlisted_pull_requests.repository
            and pull_request_commits.merge_commit_sha
            = unlisted_pull_requests.merge_commit_sha

),

seen as (

    select
        pull_request_id,
        commit_sha,
        repository,
        authored_at
    from together
    where authored_at < {{ as_of() }}

    union all

    select
        together.pull_request_id,
        together.commit_sha,
        together.repository,
        commits.authored_at
    from together
    left join commits
        on
            commits.repository = together.repository
            and commits.commit_sha = together.commit_sha
    where together.authored_at is null

),

final as (

    select
        pull_request_id,
        commit_sha,
        repository,
        authored_at
    from seen

)

select * from final
