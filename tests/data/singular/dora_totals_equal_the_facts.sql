-- What the organization's weeks, months and quarters count is exactly what the facts
-- hold: nothing falls between two periods, nothing is counted twice. Returns the kind
-- of period that says otherwise.
with

totals as (

    {% for period in ['weekly', 'monthly', 'quarterly'] -%}
    select
        '{{ period }}' as period,
        coalesce(sum(deployment_count), 0) as deployment_count,
        coalesce(sum(failed_deployment_count), 0) as failed_deployment_count,
        coalesce(sum(rework_deployment_count), 0) as rework_deployment_count,
        coalesce(sum(change_count), 0) as change_count,
        coalesce(sum(deployed_change_count), 0) as deployed_change_count
    from {{ ref('dora_' ~ period) }}
    where scope_type = 'organization'
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

deployments as (

    select
        count(*) as deployment_count,
        count(case when is_failed then 1 end) as failed_deployment_count,
        count(case when is_rework then 1 end) as rework_deployment_count
    from {{ ref('fct_deployments') }}

),

changes as (

    select
        count(*) as change_count,
        count(change_lead_time_seconds) as deployed_change_count
    from {{ ref('fct_changes') }}
    where not is_bot_change

)

select totals.period
from totals
cross join deployments
cross join changes
where
    totals.deployment_count <> deployments.deployment_count
    or totals.failed_deployment_count <> deployments.failed_deployment_count
    or totals.rework_deployment_count <> deployments.rework_deployment_count
    or totals.change_count <> changes.change_count
    or totals.deployed_change_count <> changes.deployed_change_count
