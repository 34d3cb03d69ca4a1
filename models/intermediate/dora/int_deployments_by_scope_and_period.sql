-- One row per scope and period in which something was deployed. A deployment counts in
-- the periods of the day it finished, in its service, and in its team, department and
-- organization.
with

deployments as (

    select * from {{ ref('int_deployments_judged') }}

),

teams as (

    select * from {{ ref('core_teams') }}

),

days_in_periods as (

    select * from {{ ref('int_days_in_periods') }}

),

dated as (

    select
        deployments.service_id,
        deployments.team_id,
        teams.department_id,
        deployments.failure_link_method,
        deployments.recovery_seconds,
        deployments.recovery_from_detection_seconds,
        deployments.is_failed,
        deployments.is_rework,
        cast(deployments.finished_at as date) as deployed_date,
        deployments.recovered_at
    from deployments
    inner join teams
        on deployments.team_id = teams.team_id

),

in_periods as (

    select
        days_in_periods.period_type,
        days_in_periods.period_start,
        dated.service_id,
        dated.team_id,
        dated.department_id,
        dated.failure_link_method,
        dated.recovery_seconds,
        dated.recovery_from_detection_seconds,
        dated.is_failed,
        dated.is_rework,
        dated.deployed_date,
        dated.recovered_at
    from dated
    inner join days_in_periods
        on dated.deployed_date = days_in_periods.date_day

),

final as (

    select
        period_type,
        period_start,
        {{ grouped_scope_type() }} as scope_type,
        {{ grouped_scope_id() }} as scope_id,
        count(*) as deployment_count,
        count(distinct deployed_date) as deployment_day_count,
        count(
            case when deployed_date < cast({{ as_of() }} as date) then 1 end
        ) as whole_day_deployment_count,
        count(case when is_failed then 1 end) as failed_deployment_count,
        count(
            case when failure_link_method = 'explicit' then 1 end
        ) as explicit_failure_count,
        count(
            case when failure_link_method = 'rollback' then 1 end
        ) as rollback_failure_count,
        count(
            case when failure_link_method = 'revert' then 1 end
        ) as revert_failure_count,
        count(
            case when failure_link_method = 'incident_window' then 1 end
        ) as incident_window_failure_count,
        count(
            case when is_failed and recovered_at is not null then 1 end
        ) as recovered_deployment_count,
        count(
            case when is_failed and recovered_at is null then 1 end
        ) as open_failure_count,
        count(case when is_rework then 1 end) as rework_deployment_count,
        {{ percentile('recovery_seconds', 0.5) }} as median_recovery_seconds,
        {{ percentile('recovery_seconds', 0.9) }} as p90_recovery_seconds,
        {{ percentile('recovery_from_detection_seconds', 0.5) }}
            as median_recovery_from_detection_seconds,
        {{ percentile('recovery_from_detection_seconds', 0.9) }}
            as p90_recovery_from_detection_seconds
    from in_periods
    group by {{ scope_grouping_sets(['period_type', 'period_start']) }}

)

select * from final
