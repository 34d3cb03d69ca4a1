-- One row per scope and period in which a change merged or was deployed. A merge counts
-- on the day it merged; its times on the day it was deployed. Bots' changes are in none
-- of it.
with

changes as (

    select * from {{ ref('int_changes_timed') }}

),

teams as (

    select * from {{ ref('core_teams') }}

),

days_in_periods as (

    select * from {{ ref('int_days_in_periods') }}

),

counted_changes as (

    select
        changes.service_id,
        changes.team_id,
        teams.department_id,
        changes.no_lead_time_reason,
        changes.coding_seconds,
        changes.pickup_seconds,
        changes.review_seconds,
        changes.deploy_seconds,
        changes.change_lead_time_seconds,
        changes.negative_stage_count,
        changes.merged_at,
        changes.deployed_at
    from changes
    inner join teams
        on changes.team_id = teams.team_id
    where not changes.is_bot_change

),

dated as (

    select
        cast(merged_at as date) as event_date,
        service_id,
        team_id,
        department_id,
        1 as change_count,
        coalesce(no_lead_time_reason, 'known') as lead_time_status,
        negative_stage_count,
        null as coding_seconds,
        null as pickup_seconds,
        null as review_seconds,
        null as deploy_seconds,
        null as change_lead_time_seconds
    from counted_changes

    union all

    select
        cast(deployed_at as date) as event_date,
        service_id,
        team_id,
        department_id,
        0 as change_count,
        null as lead_time_status,
        0 as negative_stage_count,
        coding_seconds,
        pickup_seconds,
        review_seconds,
        deploy_seconds,
        change_lead_time_seconds
    from counted_changes
    where change_lead_time_seconds is not null

),

in_periods as (

    select
        days_in_periods.period_type,
        days_in_periods.period_start,
        dated.service_id,
        dated.team_id,
        dated.department_id,
        dated.change_count,
        dated.lead_time_status,
        dated.negative_stage_count,
        dated.coding_seconds,
        dated.pickup_seconds,
        dated.review_seconds,
        dated.deploy_seconds,
        dated.change_lead_time_seconds
    from dated
    inner join days_in_periods
        on dated.event_date = days_in_periods.date_day

),

final as (

    select
        period_type,
        period_start,
        {{ grouped_scope_type() }} as scope_type,
        {{ grouped_scope_id() }} as scope_id,
        sum(change_count) as change_count,
        count(
            case when lead_time_status = 'known' then 1 end
        ) as lead_time_known_change_count,
        count(
            case when lead_time_status = 'no_baseline' then 1 end
        ) as no_baseline_change_count,
        count(
            case when lead_time_status = 'no_service' then 1 end
        ) as no_service_change_count,
        count(
            case when lead_time_status = 'not_deployed' then 1 end
        ) as not_deployed_change_count,
        count(
            case when lead_time_status = 'deployed_before_merge' then 1 end
        ) as deployed_before_merge_change_count,
        count(
            case when lead_time_status = 'no_commits' then 1 end
        ) as no_commits_change_count,
        count(
            case when lead_time_status = 'deployed_before_first_commit' then 1 end
        ) as deployed_before_first_commit_change_count,
        sum(negative_stage_count) as negative_stage_count,
        count(change_lead_time_seconds) as deployed_change_count,
        sum(coding_seconds) as total_coding_seconds,
        count(coding_seconds) as coding_count,
        sum(pickup_seconds) as total_pickup_seconds,
        count(pickup_seconds) as pickup_count,
        sum(review_seconds) as total_review_seconds,
        count(review_seconds) as review_count,
        sum(deploy_seconds) as total_deploy_seconds,
        count(deploy_seconds) as deploy_count,
        {{ percentile('change_lead_time_seconds', 0.5) }}
            as median_change_lead_time_seconds,
        {{ percentile('change_lead_time_seconds', 0.9) }}
            as p90_change_lead_time_seconds
    from in_periods
    group by {{ scope_grouping_sets(['period_type', 'period_start']) }}

)

select * from final
