-- One row per workflow run that is over, in its newest attempt.
with

records as (

    select * from {{ latest(source('github', 'workflow_runs')) }}

),

final as (

    select
        'github:' || run_id as ci_run_id,
        repository,
        commit_sha,
        lower(conclusion) as conclusion,
        attempt,
        started_at,
        finished_at
    from records
    where conclusion is not null

)

select * from final
