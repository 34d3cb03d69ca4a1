-- One row per pull request that holds nothing but tests, or nothing but documentation.
-- Only git can tell documentation from code.
{% set reads_git = 'git' in env_var('VALUEMAXX_SYSTEMS', 'files git').split() %}
with

pull_requests as (

    select * from {{ ref('core_pull_requests') }}

),

only_tests as (

    select pull_request_id
    from pull_requests
    where changed_file_count > 0 and test_file_count = changed_file_count

),

{% if reads_git %}

pull_request_commits as (

    select * from {{ ref('core_pull_request_commits') }}

),

file_kinds as (

    select * from {{ ref('core_commit_file_kinds') }}

),

commits as (

    select
        pull_request_id,
        repository,
        merge_commit_sha as commit_sha
    from pull_requests
    where merge_commit_sha is not null

    union distinct

    select
        pull_request_id,
        repository,
        commit_sha
    from pull_request_commits

),

only_docs as (

    select commits.pull_request_id
    from commits
    inner join file_kinds
        on
            commits.repository = file_kinds.repository
            and commits.commit_sha = file_kinds.commit_sha
    inner join pull_requests
        on commits.pull_request_id = pull_requests.pull_request_id
    -- Some of its commits may not be in git: its own counts must agree.
    where
        pull_requests.test_file_count = 0
        and pull_requests.production_file_count = 0
    group by commits.pull_request_id
    having min(file_kinds.file_kind) = 'docs' and max(file_kinds.file_kind) = 'docs'

),

{% endif %}

final as (

    select
        pull_request_id,
        'test' as file_kind
    from only_tests
    {% if reads_git %}
    union all

    select
        pull_request_id,
        'docs' as file_kind
    from only_docs
    {% endif %}

)

select * from final
