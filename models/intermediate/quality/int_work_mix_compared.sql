-- One row per scope, quarter and type that the company has, dense, beside the same of
-- the quarter before and of the scope's baseline quarter.
with

scopes as (

    select * from {{ ref('int_scopes') }}

),

periods as (

    select * from {{ ref('int_periods') }}
    where period_type = 'quarter'

),

mix as (

    select * from {{ ref('int_work_mix_by_scope_and_quarter') }}

),

baselines as (

    select * from {{ ref('int_baseline_quarters') }}

),

work_types as (

    select distinct work_type from mix

),

counted as (

    select
        scopes.scope_type,
        scopes.scope_id,
        scopes.scope_name,
        periods.period_start,
        periods.period_end,
        periods.is_partial_period,
        work_types.work_type,
        coalesce(mix.finished_count, 0) as finished_count,
        mix.median_work_seconds
    from scopes
    cross join periods
    cross join work_types
    left join mix
        on
            scopes.scope_type = mix.scope_type
            and scopes.scope_id = mix.scope_id
            and periods.period_start = mix.period_start
            and work_types.work_type = mix.work_type

),

shared as (

    select
        counted.*,
        sum(finished_count) over (
            partition by scope_type, scope_id, period_start
        ) as finished_work_count
    from counted

),

with_shares as (

    select
        shared.*,
        {{ share('finished_count', 'finished_work_count') }} as work_share
    from shared

),

final as (

    select
        with_shares.scope_type,
        with_shares.scope_id,
        with_shares.period_start,
        with_shares.work_type,
        with_shares.scope_name,
        with_shares.finished_count,
        with_shares.finished_work_count,
        with_shares.work_share,
        lag(with_shares.work_share) over (
            partition by
                with_shares.scope_type, with_shares.scope_id, with_shares.work_type
            order by with_shares.period_start
        ) as prior_work_share,
        baseline.finished_count as baseline_finished_count,
        baseline.finished_work_count as baseline_finished_work_count,
        baseline.work_share as baseline_work_share,
        baseline.median_work_seconds as baseline_median_work_seconds,
        with_shares.is_partial_period,
        baselines.baseline_quarter_start,
        with_shares.period_end
    from with_shares
    left join baselines
        on
            with_shares.scope_type = baselines.scope_type
            and with_shares.scope_id = baselines.scope_id
    left join with_shares as baseline
        on
            baselines.scope_type = baseline.scope_type
            and baselines.scope_id = baseline.scope_id
            and baselines.baseline_quarter_start = baseline.period_start
            and with_shares.work_type = baseline.work_type

)

select * from final
