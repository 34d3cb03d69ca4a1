-- One row per rule that found AI evidence at a pull request, at itself or at one of its
-- commits. 'declared' = its author says so. No row means no evidence, not a human.
with

pull_requests as (

    select * from {{ ref('core_pull_requests') }}

),

staged_pull_requests as (

    select * from {{ union_systems('pull_requests') }}

),

pull_request_commits as (

    select * from {{ ref('core_pull_request_commits') }}

),

commit_evidence as (

    select * from {{ ref('core_commit_ai_evidence') }}

),

own_evidence as (

    select
        pull_request_id,
        repository,
        {{ explode_list('ai_evidence_rules') }} as rule_id
    from staged_pull_requests

    union all

    select
        pull_request_id,
        repository,
        'declared' as rule_id
    from staged_pull_requests
    where ai_tools is not null and ai_tools <> ''

),

final as (

    select
        pull_requests.pull_request_id,
        own_evidence.rule_id
    from own_evidence
    inner join pull_requests
        on
            pull_requests.pull_request_id = own_evidence.pull_request_id
            and pull_requests.repository = own_evidence.repository

    union

    select
        pull_requests.pull_request_id,
        commit_evidence.rule_id
    from pull_requests
    inner join commit_evidence
        on
            commit_evidence.repository = pull_requests.repository
            and commit_evidence.commit_sha = pull_requests.merge_commit_sha

    union

    select
        pull_request_commits.pull_request_id,
        commit_evidence.rule_id
    from pull_request_commits
    inner join commit_evidence
        on
            commit_evidence.repository = pull_request_commits.repository
            and commit_evidence.commit_sha = pull_request_commits.commit_sha

)

select * from final
