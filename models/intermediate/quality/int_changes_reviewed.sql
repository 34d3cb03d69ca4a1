-- One row per merged change, bots' too, with its size, its tests, how it was reviewed
-- and whether it had to be fixed. Reviewable = its system knows reviews at all; what
-- git alone knows is neither reviewed nor not.
with

changes as (

    select * from {{ ref('int_changes_timed') }}

),

pull_requests as (

    select * from {{ ref('core_pull_requests') }}

),

teams as (

    select * from {{ ref('core_teams') }}

),

all_reviews as (

    select * from {{ ref('core_reviews') }}

),

reviews as (

    select * from {{ ref('int_reviews_by_change') }}

),

fixed_changes as (

    select * from {{ ref('int_changes_fixed') }}

),

reverts as (

    select distinct
        repository,
        revert_commit_sha
    from {{ ref('core_reverts') }}

),

-- A feed may review another system's pull request; that does not make that system know
-- reviews.
reviewing_systems as (

    select distinct pull_requests.system
    from all_reviews
    inner join pull_requests
        on all_reviews.pull_request_id = pull_requests.pull_request_id
    where all_reviews.review_id like pull_requests.system || ':%'

),

joined as (

    select
        changes.pull_request_id,
        changes.service_id,
        changes.team_id,
        teams.department_id,
        pull_requests.additions,
        pull_requests.deletions,
        pull_requests.additions + pull_requests.deletions as line_count,
        pull_requests.test_file_count,
        coalesce(
            pull_requests.production_file_count,
            pull_requests.changed_file_count - pull_requests.test_file_count
        ) as production_file_count,
        changes.pickup_seconds,
        changes.review_seconds,
        coalesce(reviews.review_comment_count, 0) as review_comment_count,
        coalesce(reviews.review_round_count, 0) as review_round_count,
        {{ seconds_between(
            'coalesce(pull_requests.ready_at, pull_requests.created_at)',
            'reviews.first_approved_at'
        ) }} as approval_seconds,
        changes.is_bot_change,
        changes.is_revert or reverts.revert_commit_sha is not null as is_revert,
        fixed_changes.pull_request_id is not null as was_fixed,
        reviewing_systems.system is not null as is_reviewable,
        reviews.pull_request_id is not null as was_reviewed,
        changes.merged_at
    from changes
    inner join pull_requests
        on changes.pull_request_id = pull_requests.pull_request_id
    inner join teams
        on changes.team_id = teams.team_id
    left join reviews
        on changes.pull_request_id = reviews.pull_request_id
    left join reverts
        on
            pull_requests.repository = reverts.repository
            and pull_requests.merge_commit_sha = reverts.revert_commit_sha
    left join fixed_changes
        on changes.pull_request_id = fixed_changes.pull_request_id
    left join reviewing_systems
        on pull_requests.system = reviewing_systems.system

),

final as (

    select
        pull_request_id,
        service_id,
        team_id,
        department_id,
        additions,
        deletions,
        line_count,
        case when was_reviewed then pickup_seconds end as pickup_seconds,
        case when was_reviewed then review_seconds end as review_seconds,
        review_comment_count,
        review_round_count,
        is_bot_change,
        is_revert,
        was_fixed,
        is_reviewable,
        is_reviewable and was_reviewed as was_reviewed,
        coalesce(
            is_reviewable
            and review_comment_count = 0
            and approval_seconds >= 0
            and approval_seconds * 100
            < {{ var('rubber_stamp_minutes_per_100_lines') }} * 60 * line_count,
            false
        ) as was_rubber_stamped,
        coalesce(
            line_count > {{ var('large_pull_request_lines') }}, false
        ) as is_large,
        coalesce(
            production_file_count > 0 and test_file_count is not null, false
        ) as is_test_eligible,
        coalesce(
            production_file_count > 0 and test_file_count > 0, false
        ) as touches_tests,
        merged_at
    from joined

)

select * from final
