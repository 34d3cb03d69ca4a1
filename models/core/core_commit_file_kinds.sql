-- One row per kind of file that a commit in a repository changed. Only git can tell, so
-- the model exists where git is read.
{{ config(enabled='git' in env_var('VALUEMAXX_SYSTEMS', 'files git').split()) }}

with

file_kinds as (

    select * from {{ union_systems('commit_file_kinds') }}

),

commits as (

    select * from {{ ref('core_commits') }}

),

final as (

    select
        file_kinds.repository,
        file_kinds.commit_sha,
        file_kinds.file_kind,
        file_kinds.additions,
        file_kinds.deletions,
        file_kinds.changed_file_count
    from file_kinds
    -- Not there is what as_of does not see yet.
    inner join commits
        on
            commits.repository = file_kinds.repository
            and commits.commit_sha = file_kinds.commit_sha

)

select * from final
