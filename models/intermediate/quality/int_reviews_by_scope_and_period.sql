-- One row per scope and period in which a change merged: size, tests, reverts, fixes
-- and review, by the day of the merge. Bots' changes are counted apart and in nothing
-- else.
with

changes as (

    select * from {{ ref('int_changes_reviewed') }}

),

days_in_periods as (

    select * from {{ ref('int_days_in_periods') }}

),

in_periods as (

    select
        days_in_periods.period_type,
        days_in_periods.period_start,
        changes.service_id,
        changes.team_id,
        changes.department_id,
        case when changes.is_bot_change then 1 else 0 end as bot_merged_count,
        case when changes.is_bot_change then 0 else 1 end as merged_count,
        case when not changes.is_bot_change then changes.line_count end as line_count,
        case when not changes.is_bot_change then changes.additions end as additions,
        case when not changes.is_bot_change then changes.deletions end as deletions,
        not changes.is_bot_change and changes.is_large as is_large,
        not changes.is_bot_change and changes.is_revert as is_revert,
        not changes.is_bot_change and changes.was_fixed as was_fixed,
        not changes.is_bot_change and changes.is_test_eligible as is_test_eligible,
        not changes.is_bot_change and changes.touches_tests as touches_tests,
        not changes.is_bot_change and changes.is_reviewable as is_reviewable,
        not changes.is_bot_change and changes.was_reviewed as was_reviewed,
        not changes.is_bot_change and changes.was_rubber_stamped as was_rubber_stamped,
        changes.pickup_seconds,
        changes.review_seconds,
        changes.review_comment_count,
        changes.review_round_count
    from changes
    inner join days_in_periods
        on cast(changes.merged_at as date) = days_in_periods.date_day

),

final as (

    select
        period_type,
        period_start,
        {{ grouped_scope_type() }} as scope_type,
        {{ grouped_scope_id() }} as scope_id,
        sum(merged_count) as merged_pull_request_count,
        sum(bot_merged_count) as bot_merged_pull_request_count,
        count(line_count) as sized_pull_request_count,
        {{ percentile('line_count', 0.5) }} as median_pull_request_line_count,
        count(case when is_large then 1 end) as large_pull_request_count,
        sum(additions) as added_line_count,
        sum(deletions) as deleted_line_count,
        count(case when is_revert then 1 end) as revert_count,
        count(case when was_fixed then 1 end) as fixed_change_count,
        count(case when is_test_eligible then 1 end) as test_eligible_merge_count,
        count(case when is_test_eligible and touches_tests then 1 end)
            as tests_touched_merge_count,
        count(case when is_reviewable then 1 end) as reviewable_merge_count,
        count(case when was_reviewed then 1 end) as reviewed_merge_count,
        count(case when is_reviewable and not was_reviewed then 1 end)
            as unreviewed_merge_count,
        count(case when was_rubber_stamped then 1 end) as rubber_stamped_merge_count,
        {{ percentile('case when was_reviewed then pickup_seconds end', 0.5) }}
            as median_first_review_seconds,
        {{ percentile('case when was_reviewed then pickup_seconds end', 0.9) }}
            as p90_first_review_seconds,
        {{ percentile('case when was_reviewed then review_seconds end', 0.5) }}
            as median_review_seconds,
        sum(case when was_reviewed then review_round_count else 0 end)
            as review_round_count,
        sum(
            case
                when is_reviewable and line_count is not null
                    then review_comment_count
                else 0
            end
        ) as review_comment_count,
        sum(case when is_reviewable then line_count end) as reviewable_line_count
    from in_periods
    group by {{ scope_grouping_sets(['period_type', 'period_start']) }}

)

select * from final
