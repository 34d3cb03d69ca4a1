-- One row per pull request. GitHub's own id: a repository may change its name.
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
        merge_commit_sha,
        labels,
        cast(null as text) as work_type,
        cast(null as text) as title_type,
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
        merged_at,
        closed_at
    from records

)

select * from final
