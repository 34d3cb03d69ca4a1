{#-
    The unit economics of one kind of period: one list of columns and ratios for both
    marts.

    usage:  {{ unit_economics_periods('month') }}

    Numerators and denominators are added up apart, for the same scope and period, then
    divided.
-#}
{% macro unit_economics_periods(period_type) -%}
with

counted as (

    select * from {{ ref('int_unit_economics_by_scope_and_period') }}
    where period_type = '{{ period_type }}'

),

reported as (

    select
        scope_type,
        scope_id,
        period_start,
        scope_name,
        reporting_scope_id,
        ai_cost_usd,
        case when is_reported then token_count end as token_count,
        case when is_reported then input_token_count end as input_token_count,
        case when is_reported then cache_read_token_count end as cache_read_token_count,
        case when is_reported then caching_saved_usd end as caching_saved_usd,
        case when is_reported then caching_uncompared_token_count end
            as caching_uncompared_token_count,
        case when is_reported then batch_token_count end as batch_token_count,
        case when is_reported then batch_saved_usd end as batch_saved_usd,
        case when is_reported then batch_uncompared_token_count end
            as batch_uncompared_token_count,
        case when is_reported then unpriced_token_count end as unpriced_token_count,
        case when is_reported then unpriced_other_unit_count end
            as unpriced_other_unit_count,
        case when is_reported then cast(merged_pull_request_count as bigint) end
            as merged_pull_request_count,
        case when is_reported then cast(accepted_change_count as bigint) end
            as accepted_change_count,
        case when is_reported then cast(failed_change_count as bigint) end
            as failed_change_count,
        case when is_reported then cast(fixed_change_count as bigint) end
            as fixed_change_count,
        case when is_reported then cast(successful_deployment_count as bigint) end
            as successful_deployment_count,
        case when is_reported then cast(finished_epic_count as bigint) end
            as finished_epic_count,
        case when is_reported then cast(finished_story_count as bigint) end
            as finished_story_count,
        case when is_reported then idle_seat_cost_usd end as idle_seat_cost_usd,
        cast(active_user_count as bigint) as active_user_count,
        is_reported,
        is_partial_period,
        period_end
    from counted

),

final as (

    select
        scope_type,
        scope_id,
        period_start,
        scope_name,
        reporting_scope_id,
        ai_cost_usd,
        merged_pull_request_count,
        {{ divide_money('ai_cost_usd', 'merged_pull_request_count') }}
            as cost_usd_per_merged_pull_request,
        accepted_change_count,
        {{ divide_money('ai_cost_usd', 'accepted_change_count') }}
            as cost_usd_per_accepted_change,
        failed_change_count,
        {{ divide_money(
            'ai_cost_usd * failed_change_count', 'merged_pull_request_count'
        ) }} as cost_of_failed_change_usd,
        fixed_change_count,
        {{ divide_money(
            'ai_cost_usd * fixed_change_count', 'merged_pull_request_count'
        ) }} as cost_of_fixed_change_usd,
        successful_deployment_count,
        {{ divide_money('ai_cost_usd', 'successful_deployment_count') }}
            as cost_usd_per_successful_deployment,
        finished_epic_count,
        {{ divide_money('ai_cost_usd', 'finished_epic_count') }}
            as cost_usd_per_finished_epic,
        finished_story_count,
        {{ divide_money('ai_cost_usd', 'finished_story_count') }}
            as cost_usd_per_finished_story,
        active_user_count,
        {{ divide_money('ai_cost_usd', 'active_user_count') }}
            as cost_usd_per_active_user,
        idle_seat_cost_usd,
        token_count,
        input_token_count,
        cache_read_token_count,
        {{ share('cache_read_token_count', 'input_token_count') }} as cache_read_share,
        caching_saved_usd,
        caching_uncompared_token_count,
        batch_token_count,
        {{ share('batch_token_count', 'token_count') }} as batch_share,
        batch_saved_usd,
        batch_uncompared_token_count,
        unpriced_token_count,
        {{ share('unpriced_token_count', 'token_count') }} as unpriced_token_share,
        unpriced_other_unit_count,
        coalesce(
            unpriced_token_count + unpriced_other_unit_count = 0, true
        ) as is_fully_priced,
        is_reported,
        is_partial_period,
        period_end
    from reported

)

select * from final
{%- endmacro %}
