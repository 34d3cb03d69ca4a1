-- One row per merged change and other merged change that reverts one of its commits.
-- Its commits are its merge commit and those listed for it.
with

changes as (

    select * from {{ ref('int_changes_timed') }}

),

pull_requests as (

    select * from {{ ref('core_pull_requests') }}

),

pull_request_commits as (

    select * from {{ ref('core_pull_request_commits') }}

),

reverts as (

    select * from {{ ref('core_reverts') }}

),

commits_in_question as (

    select
        repository,
        reverted_commit_sha as commit_sha
    from reverts
    union distinct
    select
        repository,
        revert_commit_sha as commit_sha
    from reverts

),

commits_of_changes as (

    select
        pull_requests.pull_request_id,
        commits_in_question.repository,
        commits_in_question.commit_sha
    from pull_requests
    inner join commits_in_question
        on
            pull_requests.repository = commits_in_question.repository
            and pull_requests.merge_commit_sha = commits_in_question.commit_sha

    union distinct

    select
        pull_request_commits.pull_request_id,
        commits_in_question.repository,
        commits_in_question.commit_sha
    from pull_request_commits
    inner join commits_in_question
        on
            pull_request_commits.repository = commits_in_question.repository
            and pull_request_commits.commit_sha = commits_in_question.commit_sha

),

final as (

    select distinct
        reverted.pull_request_id,
        reverting.pull_request_id as reverting_pull_request_id
    from reverts
    inner join commits_of_changes as reverted
        on
            reverts.repository = reverted.repository
            and reverts.reverted_commit_sha = reverted.commit_sha
    inner join commits_of_changes as reverting
        on
            reverts.repository = reverting.repository
            and reverts.revert_commit_sha = reverting.commit_sha
    -- Both merged; an open pull request may list a revert.
    inner join changes as reverted_changes
        on reverted.pull_request_id = reverted_changes.pull_request_id
    inner join changes as reverting_changes
        on reverting.pull_request_id = reverting_changes.pull_request_id
    where reverted.pull_request_id <> reverting.pull_request_id

)

select * from final
