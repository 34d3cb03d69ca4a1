-- One row per scope and period with contributors: people who merged a change or
-- reviewed one. Here the people end; only their number goes on.
with

contributions as (

    select * from {{ ref('int_contributions') }}

),

teams as (

    select * from {{ ref('core_teams') }}

),

days_in_periods as (

    select * from {{ ref('int_days_in_periods') }}

),

in_periods as (

    select distinct
        days_in_periods.period_type,
        days_in_periods.period_start,
        contributions.person_id,
        contributions.service_id,
        contributions.team_id,
        teams.department_id
    from contributions
    inner join teams
        on contributions.team_id = teams.team_id
    inner join days_in_periods
        on contributions.contributed_date = days_in_periods.date_day

),

final as (

    select
        period_type,
        period_start,
        {{ grouped_scope_type() }} as scope_type,
        {{ grouped_scope_id() }} as scope_id,
        count(distinct person_id) as active_contributor_count
    from in_periods
    group by {{ scope_grouping_sets(['period_type', 'period_start']) }}

)

select * from final
