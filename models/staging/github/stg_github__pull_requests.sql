-- One row per pull request. One that was merged into another branch than the main line
-- is closed and not merged: what it brought gets there by another one, or never.
with

records as (

    select * from {{ latest(source('github', 'pull_requests')) }}

),

final as (

    select
        'github:' || pull_request_id as pull_request_id,
        'github' as system,
        repository,
        author_id,
        case when is_for_mainline then merge_commit_sha end as merge_commit_sha,
        labels,
        cast(null as text) as work_type,
        title_type,
        ai_evidence_rules,
        cast(null as text) as ai_tools,
        additions,
        deletions,
        changed_file_count,
        test_file_count,
        production_file_count,
        author_is_bot,
        is_revert,
        is_hotfix,
        first_commit_at,
        created_at,
        ready_at,
        case when is_for_mainline then merged_at end as merged_at,
        closed_at
    from records

)

select * from final
