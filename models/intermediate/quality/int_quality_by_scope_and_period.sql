-- One row per scope and period, dense: counts are 0 where nothing happened, and a ratio
-- over nothing is null.
with

scopes as (

    select * from {{ ref('int_scopes') }}

),

periods as (

    select * from {{ ref('int_periods') }}

),

merges as (

    select * from {{ ref('int_reviews_by_scope_and_period') }}

),

contributors as (

    select * from {{ ref('int_contributors_by_scope_and_period') }}

),

rework as (

    select * from {{ ref('int_rework_by_scope_and_period') }}

),

line_history as (

    select count(*) > 0 as is_known from {{ ref('core_line_births') }}

),

ci_runs as (

    select * from {{ ref('int_ci_runs_by_scope_and_period') }}

),

stalled as (

    select * from {{ ref('int_stalled_pull_requests_by_scope_and_period') }}

),

defects as (

    select * from {{ ref('int_defects_by_scope_and_period') }}

),

spine as (

    select
        scopes.scope_type,
        scopes.scope_id,
        scopes.scope_name,
        periods.period_type,
        periods.period_start,
        periods.period_end,
        periods.is_partial_period,
        line_history.is_known as has_line_history
    from scopes
    cross join periods
    cross join line_history

),

final as (

    select
        spine.scope_type,
        spine.scope_id,
        spine.scope_name,
        spine.period_type,
        spine.period_start,
        spine.period_end,
        spine.is_partial_period,
        coalesce(merges.merged_pull_request_count, 0) as merged_pull_request_count,
        coalesce(merges.bot_merged_pull_request_count, 0)
            as bot_merged_pull_request_count,
        coalesce(contributors.active_contributor_count, 0) as active_contributor_count,
        coalesce(merges.sized_pull_request_count, 0) as sized_pull_request_count,
        merges.median_pull_request_line_count,
        coalesce(merges.large_pull_request_count, 0) as large_pull_request_count,
        coalesce(merges.added_line_count, 0) as added_line_count,
        coalesce(merges.deleted_line_count, 0) as deleted_line_count,
        case
            when spine.has_line_history
                then coalesce(rework.mainline_added_line_count, 0)
        end as mainline_added_line_count,
        case
            when spine.has_line_history
                then coalesce(rework.mainline_removed_line_count, 0)
        end as mainline_removed_line_count,
        case
            when spine.has_line_history then coalesce(rework.reworked_line_count, 0)
        end as reworked_line_count,
        case
            when spine.has_line_history then coalesce(rework.churned_line_count, 0)
        end as churned_line_count,
        coalesce(stalled.stalled_open_pull_request_count, 0)
            as stalled_open_pull_request_count,
        coalesce(merges.reviewable_merge_count, 0) as reviewable_merge_count,
        coalesce(merges.reviewed_merge_count, 0) as reviewed_merge_count,
        coalesce(merges.unreviewed_merge_count, 0) as unreviewed_merge_count,
        coalesce(merges.rubber_stamped_merge_count, 0) as rubber_stamped_merge_count,
        merges.median_first_review_seconds,
        merges.p90_first_review_seconds,
        merges.median_review_seconds,
        coalesce(merges.review_round_count, 0) as review_round_count,
        coalesce(merges.review_comment_count, 0) as review_comment_count,
        coalesce(merges.reviewable_line_count, 0) as reviewable_line_count,
        coalesce(merges.revert_count, 0) as revert_count,
        coalesce(merges.fixed_change_count, 0) as fixed_change_count,
        coalesce(merges.test_eligible_merge_count, 0) as test_eligible_merge_count,
        coalesce(merges.tests_touched_merge_count, 0) as tests_touched_merge_count,
        coalesce(ci_runs.ci_run_count, 0) as ci_run_count,
        coalesce(ci_runs.ci_failed_run_count, 0) as ci_failed_run_count,
        coalesce(ci_runs.ci_rerun_count, 0) as ci_rerun_count,
        coalesce(ci_runs.ci_other_run_count, 0) as ci_other_run_count,
        coalesce(defects.opened_bug_count, 0) as opened_bug_count,
        coalesce(defects.escaped_defect_count, 0) as escaped_defect_count,
        coalesce(defects.reopened_issue_count, 0) as reopened_issue_count,
        coalesce(defects.incident_count, 0) as incident_count,
        coalesce(defects.deployment_count, 0) as deployment_count
    from spine
    left join merges
        on
            spine.scope_type = merges.scope_type
            and spine.scope_id = merges.scope_id
            and spine.period_type = merges.period_type
            and spine.period_start = merges.period_start
    left join contributors
        on
            spine.scope_type = contributors.scope_type
            and spine.scope_id = contributors.scope_id
            and spine.period_type = contributors.period_type
            and spine.period_start = contributors.period_start
    left join rework
        on
            spine.scope_type = rework.scope_type
            and spine.scope_id = rework.scope_id
            and spine.period_type = rework.period_type
            and spine.period_start = rework.period_start
    left join ci_runs
        on
            spine.scope_type = ci_runs.scope_type
            and spine.scope_id = ci_runs.scope_id
            and spine.period_type = ci_runs.period_type
            and spine.period_start = ci_runs.period_start
    left join stalled
        on
            spine.scope_type = stalled.scope_type
            and spine.scope_id = stalled.scope_id
            and spine.period_type = stalled.period_type
            and spine.period_start = stalled.period_start
    left join defects
        on
            spine.scope_type = defects.scope_type
            and spine.scope_id = defects.scope_id
            and spine.period_type = defects.period_type
            and spine.period_start = defects.period_start

)

select * from final
