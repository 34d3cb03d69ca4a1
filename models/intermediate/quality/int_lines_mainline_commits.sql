-- One row per main-line commit that did something to lines, with its change and whether
-- there is AI evidence. One on the main lines of two repositories (a fork) counts once.
with

births as (

    select * from {{ ref('core_line_births') }}

),

deaths as (

    select * from {{ ref('core_line_deaths') }}

),

commits as (

    select * from {{ ref('core_commits') }}

),

changes as (

    select * from {{ ref('int_changes_timed') }}

),

pull_requests as (

    select * from {{ ref('core_pull_requests') }}

),

change_evidence as (

    select distinct pull_request_id from {{ ref('core_pull_request_ai_evidence') }}

),

commit_evidence as (

    select distinct
        repository,
        commit_sha
    from {{ ref('core_commit_ai_evidence') }}

),

line_commits as (

    select
        repository,
        commit_sha
    from births
    union
    select
        repository,
        commit_sha
    from deaths

),

dated as (

    select
        commits.repository,
        commits.commit_sha,
        commits.author_id,
        commits.author_is_bot,
        commits.committed_at,
        row_number() over (
            partition by commits.commit_sha
            order by {{ byte_order('commits.repository') }}
        ) as preference
    from line_commits
    inner join commits
        on
            line_commits.repository = commits.repository
            and line_commits.commit_sha = commits.commit_sha
    where commits.committed_at is not null

),

merged as (

    select
        pull_requests.repository,
        pull_requests.merge_commit_sha,
        pull_requests.pull_request_id,
        pull_requests.author_id,
        changes.is_bot_change,
        row_number() over (
            partition by pull_requests.repository, pull_requests.merge_commit_sha
            order by {{ byte_order('pull_requests.pull_request_id') }}
        ) as preference
    from changes
    inner join pull_requests
        on changes.pull_request_id = pull_requests.pull_request_id

),

final as (

    select
        dated.repository,
        dated.commit_sha,
        merged.pull_request_id,
        coalesce(merged.author_id, dated.author_id) as author_id,
        coalesce(merged.is_bot_change, dated.author_is_bot) as is_bot,
        coalesce(
            change_evidence.pull_request_id, commit_evidence.commit_sha
        ) is not null as is_ai_assisted,
        dated.committed_at
    from dated
    left join merged
        on
            dated.repository = merged.repository
            and dated.commit_sha = merged.merge_commit_sha
            and merged.preference = 1
    left join change_evidence
        on merged.pull_request_id = change_evidence.pull_request_id
    left join commit_evidence
        on
            dated.repository = commit_evidence.repository
            and dated.commit_sha = commit_evidence.commit_sha
    where dated.preference = 1

)

select * from final
