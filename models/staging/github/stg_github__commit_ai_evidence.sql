-- One row per rule that found AI evidence at a commit in a repository.
with

records as (

    select * from {{ latest(source('github', 'commits')) }}

),

final as (

    select
        repository,
        commit_sha,
        {{ explode_list('ai_evidence_rules') }} as rule_id
    from records

)

select * from final
