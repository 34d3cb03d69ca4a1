-- One row per pull request of the feeds.
with

records as (

    select * from {{ latest(source('files', 'pull_requests')) }}

),

final as (

    select
        'files:' || pull_request_id as pull_request_id,
        'files' as system,
        repository,
        author_id,
        merge_commit_sha,
        labels,
        work_type,
        title_type,
        ai_evidence_rules,
        ai_tools,
        additions,
        deletions,
        changed_files as changed_file_count,
        test_files_changed as test_file_count,
        cast(null as bigint) as production_file_count,
        author_is_bot,
        is_revert,
        is_hotfix,
        first_commit_at,
        created_at,
        ready_at,
        merged_at,
        closed_at
    from records

)

select * from final
