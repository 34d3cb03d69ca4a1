-- One row per organization, department and team that is reported in a month, class of
-- AI evidence and age in days. A month's lines are looked at when the youngest possible
-- one is old enough; before that the row is censored, and nothing counts as dead.
with

counted as (

    select * from {{ ref('int_code_survival_by_scope_and_month') }}

),

periods as (

    select * from {{ ref('int_periods') }}
    where period_type = 'month'

),

aged as (

    select
        counted.*,
        cast(periods.period_end as timestamp)
        + counted.age_days * interval '1 day' > {{ as_of() }} as is_censored,
        periods.is_partial_period,
        periods.period_end
    from counted
    inner join periods
        on counted.period_start = periods.period_start

),

final as (

    select
        scope_type,
        scope_id,
        period_start,
        ai_assistance,
        cast(age_days as bigint) as age_days,
        scope_name,
        cast(change_count as bigint) as change_count,
        cast(line_count as bigint) as lines_added,
        cast(
            case when is_censored then 0 * line_count else line_count end as bigint
        ) as lines_observed,
        cast(
            case
                when is_censored then 0 * line_count else surviving_line_count
            end as bigint
        ) as lines_surviving,
        {{ share(
            'case when not is_censored then surviving_line_count end', 'line_count'
        ) }} as survival_rate,
        is_censored,
        change_count < {{ var('small_sample_size') }} as is_small_sample,
        is_reported,
        is_partial_period,
        period_end
    from aged

)

select * from final
