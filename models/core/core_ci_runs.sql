-- One row per CI run.
with

ci_runs as (

    select * from {{ union_systems('ci_runs') }}

),

final as (

    select
        ci_run_id,
        repository,
        commit_sha,
        conclusion,
        attempt,
        -- Who does not say when it was over gives it when it is.
        coalesce(finished_at, started_at) < {{ as_of() }} as is_finished,
        started_at,
        {{ seen('finished_at') }} as finished_at
    from ci_runs
    where started_at < {{ as_of() }}

)

select * from final
