-- One row per scope and fiscal quarter, dense: each measure, that of the scope's
-- baseline quarter, and how they differ. Before and after, not a cause.
with

measures as (

    select * from {{ ref('int_divergence_measures') }}

),

baseline_quarters as (

    select * from {{ ref('int_baseline_quarters') }}

),

final as (

    select
        measures.scope_type,
        measures.scope_id,
        measures.period_start,
        measures.scope_name,
        'before and after, not a cause' as label,
        cast(measures.whole_day_count as bigint) as whole_day_count,
        cast(measures.whole_day_finished_task_count as bigint)
            as whole_day_finished_task_count,
        measures.finished_tasks_per_week,
        baselines.finished_tasks_per_week as baseline_finished_tasks_per_week,
        {{ change('finished_tasks_per_week') }} as finished_tasks_per_week_change,
        {{ change('finished_tasks_per_contributor_week') }}
            as finished_tasks_per_contributor_change,
        cast(measures.whole_day_finished_epic_count as bigint)
            as whole_day_finished_epic_count,
        measures.finished_epics_per_week,
        baselines.finished_epics_per_week as baseline_finished_epics_per_week,
        {{ change('finished_epics_per_week') }} as finished_epics_per_week_change,
        {{ change('finished_epics_per_contributor_week') }}
            as finished_epics_per_contributor_change,
        cast(measures.whole_day_merged_pull_request_count as bigint)
            as whole_day_merged_pull_request_count,
        measures.merged_pull_requests_per_week,
        baselines.merged_pull_requests_per_week
            as baseline_merged_pull_requests_per_week,
        {{ change('merged_pull_requests_per_week') }}
            as merged_pull_requests_per_week_change,
        {{ change('merged_pull_requests_per_contributor_week') }}
            as merged_pull_requests_per_contributor_change,
        cast(measures.whole_day_added_line_count as bigint)
            as whole_day_added_line_count,
        measures.added_lines_per_week,
        baselines.added_lines_per_week as baseline_added_lines_per_week,
        {{ change('added_lines_per_week') }} as added_lines_per_week_change,
        {{ change('added_lines_per_contributor_week') }}
            as added_lines_per_contributor_change,
        cast(measures.whole_day_opened_bug_count as bigint)
            as whole_day_opened_bug_count,
        measures.opened_bugs_per_week,
        baselines.opened_bugs_per_week as baseline_opened_bugs_per_week,
        {{ change('opened_bugs_per_week') }} as opened_bugs_per_week_change,
        {{ change('opened_bugs_per_contributor_week') }}
            as opened_bugs_per_contributor_change,
        cast(measures.active_contributor_count as bigint) as active_contributor_count,
        cast(baselines.active_contributor_count as bigint)
            as baseline_active_contributor_count,
        {{ change('active_contributor_count') }} as active_contributor_count_change,
        measures.deployments_per_week,
        baselines.deployments_per_week as baseline_deployments_per_week,
        {{ change('deployments_per_week') }} as deployments_per_week_change,
        measures.merged_pull_requests_per_active_contributor,
        baselines.merged_pull_requests_per_active_contributor
            as baseline_merged_pull_requests_per_active_contributor,
        {{ change('merged_pull_requests_per_active_contributor') }}
            as merged_pull_requests_per_active_contributor_change,
        measures.median_change_lead_time_hours,
        baselines.median_change_lead_time_hours
            as baseline_median_change_lead_time_hours,
        {{ change('median_change_lead_time_hours') }}
            as median_change_lead_time_hours_change,
        measures.median_pull_request_line_count,
        baselines.median_pull_request_line_count
            as baseline_median_pull_request_line_count,
        {{ change('median_pull_request_line_count') }}
            as median_pull_request_line_count_change,
        measures.opened_bugs_per_merged_pull_request,
        baselines.opened_bugs_per_merged_pull_request
            as baseline_opened_bugs_per_merged_pull_request,
        {{ change('opened_bugs_per_merged_pull_request') }}
            as opened_bugs_per_merged_pull_request_change,
        measures.incidents_per_merged_pull_request,
        baselines.incidents_per_merged_pull_request
            as baseline_incidents_per_merged_pull_request,
        {{ change('incidents_per_merged_pull_request') }}
            as incidents_per_merged_pull_request_change,
        measures.median_hours_to_first_review,
        baselines.median_hours_to_first_review as baseline_median_hours_to_first_review,
        {{ change('median_hours_to_first_review') }}
            as median_hours_to_first_review_change,
        measures.median_review_hours,
        baselines.median_review_hours as baseline_median_review_hours,
        {{ change('median_review_hours') }} as median_review_hours_change,
        measures.unreviewed_merge_share,
        baselines.unreviewed_merge_share as baseline_unreviewed_merge_share,
        {{ change('unreviewed_merge_share') }} as unreviewed_merge_share_change,
        measures.deleted_lines_per_added_line,
        baselines.deleted_lines_per_added_line as baseline_deleted_lines_per_added_line,
        {{ change('deleted_lines_per_added_line') }}
            as deleted_lines_per_added_line_change,
        measures.rework_share,
        baselines.rework_share as baseline_rework_share,
        {{ change('rework_share') }} as rework_share_change,
        measures.churn_share,
        baselines.churn_share as baseline_churn_share,
        {{ change('churn_share') }} as churn_share_change,
        coalesce(
            measures.period_start = baselines.period_start, false
        ) as is_baseline,
        measures.whole_day_merged_pull_request_count < {{ var('small_sample_size') }}
        or coalesce(baselines.whole_day_merged_pull_request_count, 0)
        < {{ var('small_sample_size') }} as is_small_sample,
        measures.is_partial_period,
        baselines.period_start as baseline_quarter_start,
        measures.period_end
    from measures
    left join baseline_quarters
        on
            measures.scope_type = baseline_quarters.scope_type
            and measures.scope_id = baseline_quarters.scope_id
    left join measures as baselines
        on
            baseline_quarters.scope_type = baselines.scope_type
            and baseline_quarters.scope_id = baselines.scope_id
            and baseline_quarters.baseline_quarter_start = baselines.period_start

)

select * from final
