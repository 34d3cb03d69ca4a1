-- One row per scope, fiscal quarter and type of work that the company has finished any
-- of. Dense: a type without work has a share of 0, a quarter without work has none.
with

mix as (

    select * from {{ ref('int_work_mix_compared') }}

),

indexes as (

    select * from {{ ref('int_work_mix_indexes') }}

),

final as (

    select
        mix.scope_type,
        mix.scope_id,
        mix.period_start,
        mix.work_type,
        mix.scope_name,
        cast(mix.finished_count as bigint) as finished_count,
        cast(mix.finished_work_count as bigint) as finished_work_count,
        mix.work_share,
        mix.prior_work_share,
        cast(mix.baseline_finished_count as bigint) as baseline_finished_count,
        cast(mix.baseline_finished_work_count as bigint)
            as baseline_finished_work_count,
        mix.baseline_work_share,
        indexes.drift_index,
        cast(indexes.active_contributor_count as bigint) as active_contributor_count,
        indexes.finished_work_per_active_contributor,
        indexes.throughput_index,
        cast(mix.baseline_median_work_seconds / 3600 as double precision)
            as baseline_median_work_hours,
        cast(indexes.standardised_work_seconds / 3600 as double precision)
            as standardised_work_hours,
        indexes.standardised_throughput_index,
        coalesce(mix.period_start = mix.baseline_quarter_start, false)
            as is_baseline_quarter,
        least(mix.finished_work_count, mix.baseline_finished_work_count)
        < {{ var('small_sample_size') }} as is_small_sample,
        mix.is_partial_period,
        mix.baseline_quarter_start,
        mix.period_end
    from mix
    inner join indexes
        on
            mix.scope_type = indexes.scope_type
            and mix.scope_id = indexes.scope_id
            and mix.period_start = indexes.period_start

)

select * from final
