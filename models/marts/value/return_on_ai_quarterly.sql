-- One row per fiscal quarter, for the organization: what AI and engineering cost, what
-- that shipped, and what changed in money since the baseline quarter. A comparison, not
-- a cause. What needs an input that nobody gave is null.
{% set counts = [
    'deployment_count', 'failed_deployment_count', 'change_fail_rate',
    'rework_deployment_count', 'deployment_rework_rate', 'cost_to_serve_software_usd',
    'recovery_seconds', 'recovery_count', 'day_count'
] %}
with

measures as (

    select * from {{ ref('int_return_measures_by_quarter') }}

),

delivery as (

    select * from {{ ref('dora_quarterly') }}
    where scope_type = 'organization'

),

experience as (

    select * from {{ ref('experience_quarterly') }}
    where
        scope_type = 'organization'
        and question_id = 'hours_saved_with_ai'
        and scale = 'hours_per_week'

),

baseline_quarters as (

    select * from {{ ref('int_baseline_quarters') }}
    where scope_type = 'organization'

),

quarters as (

    select
        measures.*,
        delivery.scope_type,
        delivery.scope_id,
        delivery.scope_name,
        delivery.deployment_count,
        delivery.failed_deployment_count,
        delivery.change_fail_rate,
        delivery.rework_deployment_count,
        delivery.deployment_rework_rate,
        cast(experience.mean_value as numeric(18, 6)) as hours_saved_per_person_week,
        case
            when not delivery.is_partial_period
                then {{ divide_decimals(
                    '(measures.engineering_cost_usd + measures.ai_spend_usd)', 12,
                    'delivery.deployment_count', 0, 12
                ) }}
        end as cost_to_serve_software_usd,
        delivery.is_partial_period,
        delivery.period_end
    from measures
    inner join delivery
        on measures.period_start = delivery.period_start
    left join experience
        on measures.period_start = experience.period_start

),

held_against as (

    select
        quarters.*,
        {%- for count in counts %}
        baselines.{{ count }} as baseline_{{ count }},
        {%- endfor %}
        baselines.period_start as baseline_quarter_start,
        coalesce(
            not quarters.is_partial_period
            and quarters.period_start > baselines.period_start,
            false
        ) as is_compared
    from quarters
    left join baseline_quarters
        on quarters.scope_id = baseline_quarters.scope_id
    left join quarters as baselines
        on baseline_quarters.baseline_quarter_start = baselines.period_start

),

timed as (

    select
        held_against.*,
        case
            when not is_partial_period
                then {{ divide_decimals(
                    'hours_saved_per_person_week * engineering_people * day_count', 12,
                    7, 0, 6
                ) }}
        end as said_hours_saved,
        case
            when not is_partial_period
                then {{ divide_decimals(
                    'hours_per_person_week * engineering_people * day_count', 12,
                    7, 0, 6
                ) }}
        end as paid_hours,
        case
            when failed_deployment_count = 0 then cast(0 as numeric(38, 6))
            else {{ divide_decimals(
                '(failed_deployment_count * recovery_seconds)', 0,
                '(recovery_count * 3600)', 0, 6
            ) }}
        end as failure_hours,
        case
            when is_compared and baseline_failed_deployment_count = 0
                then cast(0 as numeric(38, 6))
            when is_compared
                then {{ divide_decimals(
                    '(baseline_failed_deployment_count * baseline_recovery_seconds'
                    ~ ' * day_count)', 0,
                    '(baseline_recovery_count * 3600 * baseline_day_count)', 0, 6
                ) }}
        end as baseline_failure_hours,
        case
            when is_compared
                then {{ divide_decimals(
                    '(baseline_rework_deployment_count * deployment_count'
                    ~ ' - rework_deployment_count * baseline_deployment_count)', 0,
                    '(baseline_deployment_count * deployment_count)', 0, 12
                ) }}
        end as rework_rate_difference
    from held_against

),

valued as (

    select
        timed.*,
        {{ divide_decimals('ai_spend_usd', 12, 'said_hours_saved', 6, 12) }}
            as agent_hourly_rate_usd,
        {{ divide_decimals('engineering_cost_usd', 12, 'paid_hours', 6, 12) }}
            as engineer_hourly_cost_usd,
        cast(
            engineering_cost_usd * cast(rework_rate_difference as numeric(14, 12))
            as numeric(38, 12)
        ) as avoided_rework_usd,
        cast(
            cast(baseline_failure_hours - failure_hours as numeric(18, 6))
            * downtime_cost_usd_per_hour as numeric(38, 12)
        ) as avoided_downtime_usd,
        case
            when not is_partial_period
                then cast(ai_spend_usd + other_ai_investment_usd as numeric(38, 12))
        end as investment_usd
    from timed

),

final as (

    select
        scope_type,
        scope_id,
        period_start,
        scope_name,
        'a comparison with a baseline quarter, not a cause' as label,
        cast(engineering_cost_usd as numeric(38, 12)) as engineering_cost_usd,
        cast(engineering_people as numeric(38, 6)) as engineering_people,
        cast(hours_per_person_week as numeric(38, 6)) as hours_per_person_week,
        cast(downtime_cost_usd_per_hour as numeric(38, 12))
            as downtime_cost_usd_per_hour,
        cast(other_ai_investment_usd as numeric(38, 12)) as other_ai_investment_usd,
        cast(ai_spend_usd as numeric(38, 12)) as ai_spend_usd,
        cast(accrued_ai_spend_usd as numeric(38, 12)) as accrued_ai_spend_usd,
        uninvoiced_vendor_month_count,
        deployment_count,
        failed_deployment_count,
        change_fail_rate,
        rework_deployment_count,
        deployment_rework_rate,
        cost_to_serve_software_usd,
        cast(hours_saved_per_person_week as numeric(38, 6))
            as hours_saved_per_person_week,
        said_hours_saved,
        agent_hourly_rate_usd,
        paid_hours,
        engineer_hourly_cost_usd,
        avoided_rework_usd,
        failure_hours,
        baseline_failure_hours,
        avoided_downtime_usd,
        cast(avoided_rework_usd + avoided_downtime_usd as numeric(38, 12)) as value_usd,
        investment_usd,
        case
            when investment_usd > 0
                then {{ divide_decimals(
                    '(avoided_rework_usd + avoided_downtime_usd - investment_usd)', 12,
                    'investment_usd', 12, 6
                ) }}
        end as return_on_investment,
        nullif(concat_ws(
            ', ',
            {%- for input in [
                'engineering_cost_usd', 'engineering_people', 'hours_per_person_week',
                'downtime_cost_usd_per_hour', 'other_ai_investment_usd', 'ai_spend_usd'
            ] %}
            case when {{ input }} is null then '{{ input }}' end,
            {%- endfor %}
            case
                when hours_saved_per_person_week is null then 'hours_saved_with_ai'
            end,
            case
                when deployment_count = 0 or baseline_deployment_count = 0
                    then 'deployments'
            end,
            case
                when
                    failure_hours is null
                    or (
                        baseline_failed_deployment_count > 0
                        and baseline_recovery_count = 0
                    )
                    then 'recovery_time'
            end,
            case
                when coalesce(period_start <= baseline_quarter_start, true)
                    then 'later_quarter_than_baseline'
            end,
            case when is_partial_period then 'whole_quarter' end
        ), '') as missing_inputs,
        baseline_deployment_count,
        baseline_failed_deployment_count,
        baseline_change_fail_rate,
        baseline_rework_deployment_count,
        baseline_deployment_rework_rate,
        baseline_cost_to_serve_software_usd,
        day_count,
        baseline_day_count,
        coalesce(period_start = baseline_quarter_start, false) as is_baseline,
        deployment_count < {{ var('small_sample_size') }}
        or coalesce(baseline_deployment_count, 0)
        < {{ var('small_sample_size') }} as is_small_sample,
        is_partial_period,
        baseline_quarter_start,
        period_end
    from valued

)

select * from final
