{#-
    The quality table of one kind of period: one list of columns and ratios for the
    three marts.

    usage:  {{ quality_periods('week') }}
-#}
{% macro quality_periods(period_type) -%}
with

counted as (

    select * from {{ ref('int_quality_by_scope_and_period') }}
    where period_type = '{{ period_type }}'

),

final as (

    select
        scope_type,
        scope_id,
        period_start,
        scope_name,
        cast(merged_pull_request_count as bigint) as merged_pull_request_count,
        cast(bot_merged_pull_request_count as bigint) as bot_merged_pull_request_count,
        cast(active_contributor_count as bigint) as active_contributor_count,
        {{ share('merged_pull_request_count', 'active_contributor_count') }}
            as merged_pull_requests_per_active_contributor,
        cast(sized_pull_request_count as bigint) as sized_pull_request_count,
        cast(median_pull_request_line_count as double precision)
            as median_pull_request_line_count,
        cast(large_pull_request_count as bigint) as large_pull_request_count,
        {{ share('large_pull_request_count', 'sized_pull_request_count') }}
            as large_pull_request_share,
        cast(added_line_count as bigint) as added_line_count,
        cast(deleted_line_count as bigint) as deleted_line_count,
        {{ share('deleted_line_count', 'added_line_count') }}
            as deleted_lines_per_added_line,
        cast(mainline_added_line_count as bigint) as mainline_added_line_count,
        cast(mainline_removed_line_count as bigint) as mainline_removed_line_count,
        cast(reworked_line_count as bigint) as reworked_line_count,
        {{ share('reworked_line_count', 'mainline_added_line_count') }} as rework_share,
        cast(churned_line_count as bigint) as churned_line_count,
        {{ share(
            'churned_line_count',
            '(mainline_added_line_count + mainline_removed_line_count)'
        ) }} as churn_share,
        cast(stalled_open_pull_request_count as bigint)
            as stalled_open_pull_request_count,
        cast(reviewable_merge_count as bigint) as reviewable_merge_count,
        cast(reviewed_merge_count as bigint) as reviewed_merge_count,
        cast(unreviewed_merge_count as bigint) as unreviewed_merge_count,
        {{ share('unreviewed_merge_count', 'reviewable_merge_count') }}
            as unreviewed_merge_share,
        cast(rubber_stamped_merge_count as bigint) as rubber_stamped_merge_count,
        {{ share('rubber_stamped_merge_count', 'reviewable_merge_count') }}
            as rubber_stamped_merge_share,
        cast(median_first_review_seconds / 3600 as double precision)
            as median_hours_to_first_review,
        cast(p90_first_review_seconds / 3600 as double precision)
            as p90_hours_to_first_review,
        cast(median_review_seconds / 3600 as double precision) as median_review_hours,
        cast(review_round_count as bigint) as review_round_count,
        {{ share('review_round_count', 'reviewed_merge_count') }}
            as review_rounds_per_reviewed_merge,
        cast(review_comment_count as bigint) as review_comment_count,
        cast(reviewable_line_count as bigint) as reviewable_line_count,
        {{ share('review_comment_count * 100', 'reviewable_line_count') }}
            as review_comments_per_100_lines,
        cast(revert_count as bigint) as revert_count,
        {{ share('revert_count * 100', 'merged_pull_request_count') }}
            as reverts_per_100_merges,
        cast(fixed_change_count as bigint) as fixed_change_count,
        {{ share('fixed_change_count', 'merged_pull_request_count') }}
            as fixed_change_share,
        cast(test_eligible_merge_count as bigint) as test_eligible_merge_count,
        cast(tests_touched_merge_count as bigint) as tests_touched_merge_count,
        {{ share('tests_touched_merge_count', 'test_eligible_merge_count') }}
            as tests_touched_share,
        cast(ci_run_count as bigint) as ci_run_count,
        cast(ci_failed_run_count as bigint) as ci_failed_run_count,
        {{ share('ci_failed_run_count', 'ci_run_count') }} as ci_failure_rate,
        cast(ci_rerun_count as bigint) as ci_rerun_count,
        {{ share('ci_rerun_count', 'ci_run_count') }} as ci_rerun_share,
        cast(ci_other_run_count as bigint) as ci_other_run_count,
        cast(opened_bug_count as bigint) as opened_bug_count,
        {{ share('opened_bug_count', 'merged_pull_request_count') }}
            as opened_bugs_per_merged_pull_request,
        {{ share('opened_bug_count', 'active_contributor_count') }}
            as opened_bugs_per_active_contributor,
        cast(escaped_defect_count as bigint) as escaped_defect_count,
        cast(reopened_issue_count as bigint) as reopened_issue_count,
        cast(incident_count as bigint) as incident_count,
        cast(deployment_count as bigint) as deployment_count,
        {{ share('incident_count * 100', 'deployment_count') }}
            as incidents_per_100_deployments,
        merged_pull_request_count < {{ var('small_sample_size') }} as is_small_sample,
        is_partial_period,
        period_end
    from counted

)

select * from final
{%- endmacro %}
