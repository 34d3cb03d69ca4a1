-- One row per pull request, from one system per repository (core_source_choices). What
-- that system lacks, git adds from the same merge commit. A merge commit in two
-- repositories (a fork) counts once, for the one whose name sorts first.
with

pull_requests as (

    select * from {{ union_systems('pull_requests') }}

),

pull_request_commits as (

    select * from {{ union_systems('pull_request_commits') }}

),

source_choices as (

    select * from {{ ref('core_source_choices') }}
    where stream = 'pull_requests'

),

commits as (

    select * from {{ ref('core_commits') }}

),

identities as (

    select * from {{ ref('core_identities') }}

),

git_pull_requests as (

    select * from {{ union_systems('pull_requests') }}
    where system = 'git'

),

seen as (

    select
        pull_requests.*,
        source_choices.is_chosen
    from pull_requests
    inner join source_choices
        on
            source_choices.owner_id = pull_requests.repository
            and source_choices.system = pull_requests.system
    where coalesce(pull_requests.created_at, pull_requests.merged_at) < {{ as_of() }}

),

-- Only git gives one change in two repositories. A fork must not bring back what
-- another system gives for the origin.
ranked_git as (

    select
        seen.*,
        row_number() over (
            partition by pull_request_id
            order by
                case when is_chosen then 2 else 1 end,
                {{ byte_order('repository') }}
        ) as preference
    from seen
    where system = 'git'

),

chosen as (

    select
        seen.*,
        1 as preference
    from seen
    where is_chosen and system <> 'git'

    union all

    select * from ranked_git
    where is_chosen and preference = 1

),

undated as (

    select
        pull_request_id,
        repository
    from chosen
    where first_commit_at is null and system <> 'git'

),

first_commits as (

    select
        undated.pull_request_id,
        min(coalesce(
            pull_request_commits.authored_at, commits.authored_at
        )) as first_commit_at
    from undated
    inner join pull_request_commits
        on pull_request_commits.pull_request_id = undated.pull_request_id
    left join commits
        on
            commits.repository = undated.repository
            and commits.commit_sha = pull_request_commits.commit_sha
    group by undated.pull_request_id

),

completed as (

    select
        chosen.pull_request_id,
        chosen.system,
        chosen.repository,
        coalesce(chosen.author_id, git_pull_requests.author_id) as handle_id,
        -- An open pull request may name the commit that would merge it.
        case
            when chosen.merged_at < {{ as_of() }} then chosen.merge_commit_sha
        end as merge_commit_sha,
        chosen.labels,
        chosen.work_type,
        coalesce(chosen.title_type, git_pull_requests.title_type) as title_type,
        coalesce(chosen.additions, git_pull_requests.additions) as additions,
        coalesce(chosen.deletions, git_pull_requests.deletions) as deletions,
        coalesce(
            chosen.changed_file_count, git_pull_requests.changed_file_count
        ) as changed_file_count,
        coalesce(
            chosen.test_file_count, git_pull_requests.test_file_count
        ) as test_file_count,
        coalesce(
            chosen.production_file_count, git_pull_requests.production_file_count
        ) as production_file_count,
        coalesce(chosen.author_is_bot, false) as author_is_bot,
        coalesce(chosen.is_revert, false)
        or coalesce(git_pull_requests.is_revert, false) as is_revert,
        coalesce(chosen.is_hotfix, false)
        or coalesce(git_pull_requests.is_hotfix, false)
        or {{ list_contains('chosen.labels', var('hotfix_labels')) }} as is_hotfix,
        coalesce(
            chosen.first_commit_at,
            first_commits.first_commit_at,
            git_pull_requests.first_commit_at
        ) as first_commit_at,
        chosen.created_at,
        chosen.ready_at,
        chosen.merged_at,
        chosen.closed_at
    from chosen
    left join first_commits
        on first_commits.pull_request_id = chosen.pull_request_id
    left join git_pull_requests
        on
            git_pull_requests.repository = chosen.repository
            and git_pull_requests.merge_commit_sha = chosen.merge_commit_sha
            and chosen.merged_at < {{ as_of() }}

),

final as (

    select
        completed.pull_request_id,
        completed.system,
        completed.repository,
        coalesce(identities.person_id, completed.handle_id) as author_id,
        completed.merge_commit_sha,
        completed.labels,
        completed.work_type,
        completed.title_type,
        completed.additions,
        completed.deletions,
        completed.changed_file_count,
        completed.test_file_count,
        completed.production_file_count,
        completed.author_is_bot,
        completed.is_revert,
        completed.is_hotfix,
        {{ seen('completed.first_commit_at') }} as first_commit_at,
        completed.created_at,
        {{ seen('completed.ready_at') }} as ready_at,
        {{ seen('completed.merged_at') }} as merged_at,
        {{ seen('completed.closed_at') }} as closed_at
    from completed
    left join identities
        on identities.handle_id = completed.handle_id

)

select * from final
