-- Over a whole quarter divergence and quality count the same merges, lines and bugs;
-- what both publish is the same in both; and tasks and epics of teams and of
-- departments add up to the organization's.
{% set measures = [
    'active_contributor_count',
    'merged_pull_requests_per_active_contributor',
    'median_pull_request_line_count',
    'opened_bugs_per_merged_pull_request',
    'median_hours_to_first_review',
    'median_review_hours',
    'unreviewed_merge_share',
    'deleted_lines_per_added_line',
    'rework_share',
    'churn_share'
] %}
with

divergence as (

    select * from {{ ref('divergence_quarterly') }}

),

quality as (

    select * from {{ ref('quality_quarterly') }}

),

totals as (

    select
        period_start,
        scope_type,
        sum(whole_day_finished_task_count) as finished_task_count,
        sum(whole_day_finished_epic_count) as finished_epic_count
    from divergence
    where scope_type <> 'service'
    group by period_start, scope_type

)

select
    quality.scope_type,
    quality.scope_id,
    quality.period_start
from quality
left join divergence
    on
        quality.scope_type = divergence.scope_type
        and quality.scope_id = divergence.scope_id
        and quality.period_start = divergence.period_start
where
    divergence.scope_id is null
    or (
        not quality.is_partial_period
        and (
            quality.merged_pull_request_count
            <> divergence.whole_day_merged_pull_request_count
            or quality.added_line_count <> divergence.whole_day_added_line_count
            or quality.opened_bug_count <> divergence.whole_day_opened_bug_count
        )
    )
    {%- for measure in measures %}
    or coalesce(quality.{{ measure }}, -1) <> coalesce(divergence.{{ measure }}, -1)
    {%- endfor %}

union all

select
    'all' as scope_type,
    'scopes differ' as scope_id,
    period_start
from totals
group by period_start
having
    count(*) <> 3
    or min(finished_task_count) <> max(finished_task_count)
    or min(finished_epic_count) <> max(finished_epic_count)
