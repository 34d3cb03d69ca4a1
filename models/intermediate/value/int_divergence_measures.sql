-- One row per scope and quarter, dense: what the quarter is held against its baseline
-- by. Volumes are per week over whole days, so quarters of any length compare.
with

quality as (

    select * from {{ ref('int_quality_by_scope_and_period') }}
    where period_type = 'quarter'

),

dora as (

    select * from {{ ref('int_dora_by_scope_and_period') }}
    where period_type = 'quarter'

),

volumes as (

    select * from {{ ref('int_volumes_by_scope_and_quarter') }}

),

counted as (

    select
        quality.scope_type,
        quality.scope_id,
        quality.period_start,
        quality.scope_name,
        dora.whole_day_count,
        quality.active_contributor_count,
        coalesce(volumes.whole_day_finished_task_count, 0)
            as whole_day_finished_task_count,
        coalesce(volumes.whole_day_finished_epic_count, 0)
            as whole_day_finished_epic_count,
        coalesce(volumes.whole_day_merged_pull_request_count, 0)
            as whole_day_merged_pull_request_count,
        coalesce(volumes.whole_day_added_line_count, 0) as whole_day_added_line_count,
        coalesce(volumes.whole_day_opened_bug_count, 0) as whole_day_opened_bug_count,
        dora.deployments_per_week,
        {{ share(
            'quality.merged_pull_request_count', 'quality.active_contributor_count'
        ) }} as merged_pull_requests_per_active_contributor,
        dora.median_change_lead_time_hours,
        cast(quality.median_pull_request_line_count as double precision)
            as median_pull_request_line_count,
        {{ share('quality.opened_bug_count', 'quality.merged_pull_request_count') }}
            as opened_bugs_per_merged_pull_request,
        {{ share('quality.incident_count', 'quality.merged_pull_request_count') }}
            as incidents_per_merged_pull_request,
        cast(quality.median_first_review_seconds / 3600 as double precision)
            as median_hours_to_first_review,
        cast(quality.median_review_seconds / 3600 as double precision)
            as median_review_hours,
        {{ share('quality.unreviewed_merge_count', 'quality.reviewable_merge_count') }}
            as unreviewed_merge_share,
        {{ share('quality.deleted_line_count', 'quality.added_line_count') }}
            as deleted_lines_per_added_line,
        {{ share('quality.reworked_line_count', 'quality.mainline_added_line_count') }}
            as rework_share,
        {{ share(
            'quality.churned_line_count',
            '(quality.mainline_added_line_count + quality.mainline_removed_line_count)'
        ) }} as churn_share,
        quality.is_partial_period,
        quality.period_end
    from quality
    inner join dora
        on
            quality.scope_type = dora.scope_type
            and quality.scope_id = dora.scope_id
            and quality.period_start = dora.period_start
    left join volumes
        on
            quality.scope_type = volumes.scope_type
            and quality.scope_id = volumes.scope_id
            and quality.period_start = volumes.period_start

),

weekly as (

    select
        scope_type,
        scope_id,
        period_start,
        scope_name,
        whole_day_count,
        active_contributor_count,
        whole_day_finished_task_count,
        whole_day_finished_epic_count,
        whole_day_merged_pull_request_count,
        whole_day_added_line_count,
        whole_day_opened_bug_count,
        {{ share('whole_day_finished_task_count * 7', 'whole_day_count') }}
            as finished_tasks_per_week,
        {{ share('whole_day_finished_epic_count * 7', 'whole_day_count') }}
            as finished_epics_per_week,
        {{ share('whole_day_merged_pull_request_count * 7', 'whole_day_count') }}
            as merged_pull_requests_per_week,
        {{ share('whole_day_added_line_count * 7', 'whole_day_count') }}
            as added_lines_per_week,
        {{ share('whole_day_opened_bug_count * 7', 'whole_day_count') }}
            as opened_bugs_per_week,
        deployments_per_week,
        merged_pull_requests_per_active_contributor,
        median_change_lead_time_hours,
        median_pull_request_line_count,
        opened_bugs_per_merged_pull_request,
        incidents_per_merged_pull_request,
        median_hours_to_first_review,
        median_review_hours,
        unreviewed_merge_share,
        deleted_lines_per_added_line,
        rework_share,
        churn_share,
        is_partial_period,
        -- All of a quarter has more contributors than a part of it.
        case when not is_partial_period then active_contributor_count end
            as whole_quarter_contributor_count,
        period_end
    from counted

),

final as (

    select
        scope_type,
        scope_id,
        period_start,
        scope_name,
        whole_day_count,
        active_contributor_count,
        whole_day_finished_task_count,
        whole_day_finished_epic_count,
        whole_day_merged_pull_request_count,
        whole_day_added_line_count,
        whole_day_opened_bug_count,
        finished_tasks_per_week,
        {{ share('finished_tasks_per_week', 'whole_quarter_contributor_count') }}
            as finished_tasks_per_contributor_week,
        finished_epics_per_week,
        {{ share('finished_epics_per_week', 'whole_quarter_contributor_count') }}
            as finished_epics_per_contributor_week,
        merged_pull_requests_per_week,
        {{ share('merged_pull_requests_per_week', 'whole_quarter_contributor_count') }}
            as merged_pull_requests_per_contributor_week,
        added_lines_per_week,
        {{ share('added_lines_per_week', 'whole_quarter_contributor_count') }}
            as added_lines_per_contributor_week,
        opened_bugs_per_week,
        {{ share('opened_bugs_per_week', 'whole_quarter_contributor_count') }}
            as opened_bugs_per_contributor_week,
        deployments_per_week,
        merged_pull_requests_per_active_contributor,
        median_change_lead_time_hours,
        median_pull_request_line_count,
        opened_bugs_per_merged_pull_request,
        incidents_per_merged_pull_request,
        median_hours_to_first_review,
        median_review_hours,
        unreviewed_merge_share,
        deleted_lines_per_added_line,
        rework_share,
        churn_share,
        is_partial_period,
        period_end
    from weekly

)

select * from final
