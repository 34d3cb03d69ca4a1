-- One row per CI run.
with

records as (

    select * from {{ latest(source('files', 'ci_runs')) }}

),

final as (

    select
        'files:' || ci_run_id as ci_run_id,
        repository,
        commit_sha,
        lower(conclusion) as conclusion,
        attempt,
        started_at,
        finished_at
    from records

)

select * from final
