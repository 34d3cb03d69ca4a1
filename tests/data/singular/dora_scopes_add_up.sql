-- Every deployment and change counts once in its team, once in its department and once
-- in the organization; every deployment once in its service. So teams, departments and
-- services add up to the organization in every period. Returns the sums that do not.
with

metrics as (

    {% for period in ['weekly', 'monthly', 'quarterly'] -%}
    select
        '{{ period }}' as period,
        scope_type,
        period_start,
        deployment_count,
        whole_day_deployment_count,
        failed_deployment_count,
        recovered_deployment_count,
        open_failure_count,
        rework_deployment_count,
        change_count,
        deployed_change_count,
        lead_time_known_change_count,
        not_deployed_change_count,
        no_service_change_count,
        negative_stage_count
    from {{ ref('dora_' ~ period) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

summed as (

    select
        period,
        scope_type,
        period_start,
        sum(deployment_count) as deployment_count,
        sum(whole_day_deployment_count) as whole_day_deployment_count,
        sum(failed_deployment_count) as failed_deployment_count,
        sum(recovered_deployment_count) as recovered_deployment_count,
        sum(open_failure_count) as open_failure_count,
        sum(rework_deployment_count) as rework_deployment_count,
        sum(change_count) as change_count,
        sum(deployed_change_count) as deployed_change_count,
        sum(lead_time_known_change_count) as lead_time_known_change_count,
        sum(not_deployed_change_count) as not_deployed_change_count,
        sum(no_service_change_count) as no_service_change_count,
        sum(negative_stage_count) as negative_stage_count
    from metrics
    group by period, scope_type, period_start

)

select
    parts.period,
    parts.scope_type,
    parts.period_start
from summed as parts
inner join summed as whole
    on
        parts.period = whole.period
        and parts.period_start = whole.period_start
        and whole.scope_type = 'organization'
where
    parts.deployment_count <> whole.deployment_count
    or parts.whole_day_deployment_count <> whole.whole_day_deployment_count
    or parts.failed_deployment_count <> whole.failed_deployment_count
    or parts.recovered_deployment_count <> whole.recovered_deployment_count
    or parts.open_failure_count <> whole.open_failure_count
    or parts.rework_deployment_count <> whole.rework_deployment_count
    -- a change may have no service
    or (
        parts.scope_type <> 'service'
        and (
            parts.change_count <> whole.change_count
            or parts.deployed_change_count <> whole.deployed_change_count
            or parts.lead_time_known_change_count <> whole.lead_time_known_change_count
            or parts.not_deployed_change_count <> whole.not_deployed_change_count
            or parts.no_service_change_count <> whole.no_service_change_count
            or parts.negative_stage_count <> whole.negative_stage_count
        )
    )
    or parts.change_count > whole.change_count
    or parts.deployed_change_count > whole.deployed_change_count
