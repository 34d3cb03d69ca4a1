-- Each team has one department and each fact one team, so teams and departments add up
-- to the organization; and no part is more than its whole.
with

monthly as (

    select * from {{ ref('quality_monthly') }}

),

totals as (

    select
        period_start,
        scope_type,
        sum(merged_pull_request_count) as merged_pull_request_count,
        sum(bot_merged_pull_request_count) as bot_merged_pull_request_count,
        sum(reviewable_merge_count) as reviewable_merge_count,
        sum(stalled_open_pull_request_count) as stalled_open_pull_request_count,
        sum(fixed_change_count) as fixed_change_count,
        sum(ci_run_count) as ci_run_count,
        sum(opened_bug_count) as opened_bug_count,
        sum(incident_count) as incident_count,
        sum(deployment_count) as deployment_count
    from monthly
    where scope_type <> 'service'
    group by period_start, scope_type

)

select
    'scopes differ' as problem,
    period_start
from totals
group by period_start
having
    count(*) <> 3
    or min(merged_pull_request_count) <> max(merged_pull_request_count)
    or min(bot_merged_pull_request_count) <> max(bot_merged_pull_request_count)
    or min(reviewable_merge_count) <> max(reviewable_merge_count)
    or min(stalled_open_pull_request_count) <> max(stalled_open_pull_request_count)
    or min(fixed_change_count) <> max(fixed_change_count)
    or min(ci_run_count) <> max(ci_run_count)
    or min(opened_bug_count) <> max(opened_bug_count)
    or min(incident_count) <> max(incident_count)
    or min(deployment_count) <> max(deployment_count)

union all

select
    'a part is not within its whole' as problem,
    period_start
from monthly
where
    reviewed_merge_count + unreviewed_merge_count <> reviewable_merge_count
    or rubber_stamped_merge_count > reviewed_merge_count
    or reviewable_merge_count > merged_pull_request_count
    or large_pull_request_count > sized_pull_request_count
    or sized_pull_request_count > merged_pull_request_count
    or tests_touched_merge_count > test_eligible_merge_count
    or test_eligible_merge_count > merged_pull_request_count
    or revert_count > merged_pull_request_count
    or fixed_change_count > merged_pull_request_count
    or ci_failed_run_count > ci_run_count
    or ci_rerun_count > ci_run_count
