-- One row per rule that found AI evidence at a commit in a repository, whoever saw it.
with

evidence as (

    select * from {{ union_systems('commit_ai_evidence') }}

),

commits as (

    select * from {{ ref('core_commits') }}

),

final as (

    select distinct
        evidence.repository,
        evidence.commit_sha,
        evidence.rule_id
    from evidence
    -- Not there is what as_of does not see yet.
    inner join commits
        on
            commits.repository = evidence.repository
            and commits.commit_sha = evidence.commit_sha

)

select * from final
