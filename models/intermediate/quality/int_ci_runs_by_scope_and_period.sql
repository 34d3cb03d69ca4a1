-- One row per scope and period in which a CI run began that is over. A run that neither
-- passed nor failed is counted apart. A run is a record: some systems tell an attempt
-- each, others the newest one alone.
with

ci_runs as (

    select * from {{ ref('core_ci_runs') }}

),

only_services as (

    select * from {{ ref('int_repositories_of_one_service') }}

),

teams as (

    select * from {{ ref('core_teams') }}

),

days_in_periods as (

    select * from {{ ref('int_days_in_periods') }}

),

judged as (

    select
        only_services.service_id,
        coalesce(only_services.team_id, 'unattributed') as team_id,
        case
            when ci_runs.conclusion in ('success', 'succeeded', 'passed') then 'passed'
            when
                ci_runs.conclusion in (
                    'failure', 'failed', 'error', 'timed_out', 'startup_failure'
                )
                then 'failed'
            else 'other'
        end as outcome,
        coalesce(ci_runs.attempt > 1, false) as is_rerun,
        cast(ci_runs.started_at as date) as started_date
    from ci_runs
    left join only_services
        on ci_runs.repository = only_services.repository
    where ci_runs.is_finished

),

in_periods as (

    select
        days_in_periods.period_type,
        days_in_periods.period_start,
        judged.service_id,
        judged.team_id,
        teams.department_id,
        judged.outcome,
        judged.is_rerun
    from judged
    inner join teams
        on judged.team_id = teams.team_id
    inner join days_in_periods
        on judged.started_date = days_in_periods.date_day

),

final as (

    select
        period_type,
        period_start,
        {{ grouped_scope_type() }} as scope_type,
        {{ grouped_scope_id() }} as scope_id,
        count(case when outcome <> 'other' then 1 end) as ci_run_count,
        count(case when outcome = 'failed' then 1 end) as ci_failed_run_count,
        count(case when outcome <> 'other' and is_rerun then 1 end) as ci_rerun_count,
        count(case when outcome = 'other' then 1 end) as ci_other_run_count
    from in_periods
    group by {{ scope_grouping_sets(['period_type', 'period_start']) }}

)

select * from final
