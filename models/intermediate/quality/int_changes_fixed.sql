-- One row per merged change, no bot's, that another one had to fix which merged later
-- and within the policy's rework window; by the first method that tells. A younger
-- change is not here yet.
with

changes as (

    select * from {{ ref('int_changes_timed') }}

),

reverted as (

    select * from {{ ref('int_changes_reverted') }}

),

rewritten as (

    select * from {{ ref('int_changes_rewritten') }}
    where is_rewritten

),

issues as (

    select * from {{ ref('core_issues') }}

),

issue_pull_requests as (

    select * from {{ ref('core_issue_pull_requests') }}

),

-- An epic holds too much: that it was opened again says nothing about one change.
of_reopened_issues as (

    select
        issue_pull_requests.issue_id,
        issue_pull_requests.pull_request_id
    from issue_pull_requests
    inner join issues
        on issue_pull_requests.issue_id = issues.issue_id
    where issues.reopened_count > 0 and issues.issue_type <> 'epic'

),

pairs as (

    select
        pull_request_id,
        reverting_pull_request_id as fixing_pull_request_id,
        'revert' as fix_method,
        1 as method_rank
    from reverted

    union all

    select
        earlier.pull_request_id,
        later.pull_request_id as fixing_pull_request_id,
        'reopened_issue' as fix_method,
        2 as method_rank
    from of_reopened_issues as earlier
    inner join of_reopened_issues as later
        on earlier.issue_id = later.issue_id

),

fixes as (

    select
        changes.pull_request_id,
        pairs.fixing_pull_request_id,
        pairs.fix_method,
        pairs.method_rank,
        changes.merged_at,
        fixing_changes.merged_at as fixed_at
    from pairs
    inner join changes
        on pairs.pull_request_id = changes.pull_request_id
    inner join changes as fixing_changes
        on pairs.fixing_pull_request_id = fixing_changes.pull_request_id
    where
        not changes.is_bot_change
        and fixing_changes.merged_at > changes.merged_at
        and fixing_changes.merged_at
        <= changes.merged_at + {{ var('rework_window_days') }} * interval '1 day'

    union all

    select
        changes.pull_request_id,
        cast(null as text) as fixing_pull_request_id,
        'rewritten' as fix_method,
        3 as method_rank,
        changes.merged_at,
        cast(null as timestamp) as fixed_at
    from rewritten
    inner join changes
        on rewritten.pull_request_id = changes.pull_request_id
    where not changes.is_bot_change

),

ranked as (

    select
        pull_request_id,
        fixing_pull_request_id,
        fix_method,
        merged_at,
        fixed_at,
        row_number() over (
            partition by pull_request_id
            order by
                method_rank, fixed_at, {{ byte_order('fixing_pull_request_id') }}
        ) as preference
    from fixes

),

final as (

    select
        pull_request_id,
        fixing_pull_request_id,
        fix_method,
        merged_at,
        fixed_at
    from ranked
    where preference = 1

)

select * from final
