-- One row per scope and quarter: how far its mix of work has drifted from the
-- baseline's, and what was finished, each piece at the hours that one of its type took
-- there.
with

mix as (

    select * from {{ ref('int_work_mix_compared') }}

),

contributors as (

    select * from {{ ref('int_contributors_by_scope_and_period') }}
    where period_type = 'quarter'

),

compared as (

    select
        scope_type,
        scope_id,
        period_start,
        baseline_quarter_start,
        is_partial_period,
        finished_count,
        baseline_median_work_seconds,
        work_share,
        baseline_work_share,
        (work_share + baseline_work_share) / 2 as middle_share
    from mix

),

summed as (

    select
        scope_type,
        scope_id,
        period_start,
        baseline_quarter_start,
        is_partial_period,
        sum(finished_count) as finished_work_count,
        -- In seconds, which add up exactly; null where no type has a weight.
        sum(finished_count * baseline_median_work_seconds)
            as standardised_work_seconds,
        (
            sum({{ divergence_part('work_share', 'middle_share') }})
            + sum({{ divergence_part('baseline_work_share', 'middle_share') }})
        ) / 2 as drift
    from compared
    group by
        scope_type,
        scope_id,
        period_start,
        baseline_quarter_start,
        is_partial_period

),

per_contributor as (

    select
        summed.scope_type,
        summed.scope_id,
        summed.period_start,
        summed.baseline_quarter_start,
        summed.is_partial_period,
        summed.standardised_work_seconds,
        cast(cast(summed.drift as numeric(18, 6)) as double precision) as drift_index,
        coalesce(contributors.active_contributor_count, 0) as active_contributor_count,
        {{ share(
            'summed.finished_work_count', 'contributors.active_contributor_count'
        ) }}
            as finished_work_per_active_contributor,
        {{ share(
            'summed.standardised_work_seconds', 'contributors.active_contributor_count'
        ) }} as standardised_seconds_per_active_contributor
    from summed
    left join contributors
        on
            summed.scope_type = contributors.scope_type
            and summed.scope_id = contributors.scope_id
            and summed.period_start = contributors.period_start

),

final as (

    select
        per_contributor.scope_type,
        per_contributor.scope_id,
        per_contributor.period_start,
        per_contributor.active_contributor_count,
        per_contributor.drift_index,
        per_contributor.finished_work_per_active_contributor,
        case
            when not per_contributor.is_partial_period
                then {{ share(
                    'per_contributor.finished_work_per_active_contributor',
                    'baseline.finished_work_per_active_contributor'
                ) }}
        end as throughput_index,
        per_contributor.standardised_work_seconds,
        case
            when not per_contributor.is_partial_period
                then {{ share(
                    'per_contributor.standardised_seconds_per_active_contributor',
                    'baseline.standardised_seconds_per_active_contributor'
                ) }}
        end as standardised_throughput_index
    from per_contributor
    left join per_contributor as baseline
        on
            per_contributor.scope_type = baseline.scope_type
            and per_contributor.scope_id = baseline.scope_id
            and per_contributor.baseline_quarter_start = baseline.period_start

)

select * from final
