-- A quarter held against itself has not changed, and a scope is held against one
-- quarter at most: a whole one.
{% set measures = [
    'finished_tasks_per_week', 'finished_tasks_per_contributor',
    'finished_epics_per_week', 'finished_epics_per_contributor',
    'merged_pull_requests_per_week', 'merged_pull_requests_per_contributor',
    'added_lines_per_week', 'added_lines_per_contributor',
    'opened_bugs_per_week', 'opened_bugs_per_contributor',
    'deployments_per_week', 'active_contributor_count',
    'merged_pull_requests_per_active_contributor', 'median_change_lead_time_hours',
    'median_pull_request_line_count', 'opened_bugs_per_merged_pull_request',
    'incidents_per_merged_pull_request', 'median_hours_to_first_review',
    'median_review_hours', 'unreviewed_merge_share', 'deleted_lines_per_added_line',
    'rework_share', 'churn_share'
] %}
select
    scope_type,
    scope_id,
    period_start
from {{ ref('divergence_quarterly') }}
where
    is_baseline <> coalesce(period_start = baseline_quarter_start, false)
    or (is_baseline and is_partial_period)
    {% for measure in measures -%}
    or (is_baseline and {{ measure }}_change <> 0)
    {% endfor %}

union all

select
    scope_type,
    scope_id,
    min(period_start) as period_start
from {{ ref('divergence_quarterly') }}
group by scope_type, scope_id
having
    count(distinct baseline_quarter_start) > 1
    or count(case when is_baseline then 1 end) <> count(distinct baseline_quarter_start)
