-- One row per merged change and repository; a fork repeats its origin's. Git does not
-- know when a change was opened.
with

records as (

    select * from {{ latest(source('git', 'pull_requests')) }}

),

final as (

    select
        'git:' || merge_commit_sha as pull_request_id,
        'git' as system,
        repository,
        author_id,
        merge_commit_sha,
        cast(null as text) as labels,
        cast(null as text) as work_type,
        title_type,
        cast(null as text) as ai_evidence_rules,
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
        cast(null as timestamp) as created_at,
        cast(null as timestamp) as ready_at,
        merged_at,
        merged_at as closed_at
    from records

)

select * from final
