-- One row per rule that found AI evidence at a commit in a repository.
with

records as (

    select * from {{ latest(source('git', 'commit_ai_evidence')) }}

),

final as (

    select
        repository,
        commit_sha,
        rule_id
    from records

)

select * from final
