-- Within a row of the DORA tables: parts add up to their whole, nothing counts more
-- than there is, shares and scores stay on their scales, and a figure is null exactly
-- where it would be over nothing. Returns the rows where one of these fails.
with

metrics as (

    {% for period in ['weekly', 'monthly', 'quarterly'] -%}
    select
        '{{ period }}' as period,
        metrics.*
    from {{ ref('dora_' ~ period) }} as metrics
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select
    period,
    scope_type,
    scope_id,
    period_start
from metrics
where
    explicit_failure_count + rollback_failure_count + revert_failure_count
    + incident_window_failure_count <> failed_deployment_count
    or lead_time_known_change_count
    + no_baseline_change_count
    + no_service_change_count
    + not_deployed_change_count
    + deployed_before_merge_change_count
    + no_commits_change_count
    + deployed_before_first_commit_change_count <> change_count
    or recovered_deployment_count + open_failure_count <> failed_deployment_count
    or failed_deployment_count > deployment_count
    or rework_deployment_count > deployment_count
    or deployment_day_count > deployment_count
    or whole_day_deployment_count > deployment_count
    or period_end <= period_start
    or (change_fail_rate is null) <> (deployment_count = 0)
    or (deployment_rework_rate is null) <> (deployment_count = 0)
    or (deployments_per_week is null) <> (whole_day_count = 0)
    or (median_change_lead_time_hours is null) <> (deployed_change_count = 0)
    or (rollback_failure_share is null) <> (failed_deployment_count = 0)
    or median_change_lead_time_hours < 0
    or median_change_lead_time_hours > p90_change_lead_time_hours
    or (lead_time_known_share is null) <> (change_count = 0)
    or lead_time_known_share not between 0 and 1
    or median_failed_deployment_recovery_hours < 0
    or median_failed_deployment_recovery_hours > p90_failed_deployment_recovery_hours
    or (median_failed_deployment_recovery_hours is null)
    <> (p90_failed_deployment_recovery_hours is null)
    or median_recovery_from_detection_hours > p90_recovery_from_detection_hours
    or is_small_sample <> (deployment_count < {{ var('small_sample_size') }})
    or change_fail_rate not between 0 and 1
    or deployment_rework_rate not between 0 and 1
    or change_lead_time_score not between 0 and 10
    or deployment_frequency_score not between 0 and 10
    or failed_deployment_recovery_time_score not between 0 and 10
    or change_fail_rate_score not between 0 and 10
    or deployment_rework_rate_score not between 0 and 10
    or (median_change_lead_time_hours is null) <> (change_lead_time_score is null)
    or (deployments_per_week is null) <> (deployment_frequency_score is null)
    or (median_failed_deployment_recovery_hours is null)
    <> (failed_deployment_recovery_time_score is null)
