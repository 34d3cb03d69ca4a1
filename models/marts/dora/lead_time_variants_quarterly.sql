-- One row per scope, quarter of the fiscal year and variant of lead time. Dense. Counts
-- by the moment in dated_by, sums up as summary_method says.
with

scopes as (

    select * from {{ ref('int_scopes') }}

),

periods as (

    select * from {{ ref('int_periods') }}
    where period_type = 'quarter'

),

kinds as (

    select * from {{ ref('lead_time_variant_kinds') }}

),

counted as (

    select * from {{ ref('int_variants_by_scope_and_quarter') }}

),

spine as (

    select
        scopes.scope_type,
        scopes.scope_id,
        scopes.scope_name,
        periods.period_start,
        periods.period_end,
        periods.is_partial_period,
        kinds.variant,
        kinds.dated_by,
        kinds.summary_method
    from scopes
    cross join periods
    cross join kinds

),

final as (

    select
        spine.scope_type,
        spine.scope_id,
        spine.period_start,
        spine.variant,
        spine.scope_name,
        spine.dated_by,
        spine.summary_method,
        cast(coalesce(counted.change_count, 0) as bigint) as change_count,
        case spine.summary_method
            when 'continuous' then counted.median_hours
            when 'lower' then counted.lower_median_hours
        end as median_hours,
        case spine.summary_method
            when 'continuous' then counted.p90_hours
            when 'lower' then counted.lower_p90_hours
        end as p90_hours,
        spine.is_partial_period,
        spine.period_end
    from spine
    left join counted
        on
            spine.scope_type = counted.scope_type
            and spine.scope_id = counted.scope_id
            and spine.period_start = counted.period_start
            and spine.variant = counted.variant

)

select * from final
