-- One row per scope and month or quarter with people who used AI. A count of fewer
-- people than the minimum group is null, and so is the smallest one beside it from
-- which, with the sum above, it could be worked out.
with

usage_records as (

    select * from {{ ref('core_ai_usage') }}

),

segments as (

    select * from {{ ref('int_team_membership_segments') }}

),

teams as (

    select * from {{ ref('core_teams') }}

),

days_in_periods as (

    select * from {{ ref('int_days_in_periods') }}

),

scopes as (

    select * from {{ ref('int_reporting_scopes') }}

),

person_days as (

    select distinct
        person_id,
        team_id,
        cast(occurred_at as date) as usage_date
    from usage_records
    where person_id is not null

),

users as (

    select distinct
        days_in_periods.period_type,
        days_in_periods.period_start,
        coalesce(segments.team_id, teams.team_id, 'unattributed') as team_id,
        person_days.person_id
    from person_days
    inner join days_in_periods
        on person_days.usage_date = days_in_periods.date_day
    left join segments
        on
            person_days.person_id = segments.person_id
            and segments.is_primary
            and person_days.usage_date >= segments.valid_from
            and person_days.usage_date < segments.valid_to
    left join teams
        on person_days.team_id = teams.team_id
    where days_in_periods.period_type in ('month', 'quarter')

),

counted as (

    select
        users.period_type,
        users.period_start,
        scopes.scope_type,
        scopes.scope_id,
        scopes.department_id,
        count(distinct users.person_id) as user_count
    from users
    inner join scopes
        on
            users.period_type = scopes.period_type
            and users.period_start = scopes.period_start
            and users.team_id = scopes.team_id
    group by
        users.period_type,
        users.period_start,
        scopes.scope_type,
        scopes.scope_id,
        scopes.department_id

),

judged as (

    select *
    from {{ hidden_counts('counted', ['period_type', 'period_start'], 'user_count') }}

),

final as (

    select
        period_type,
        period_start,
        scope_type,
        scope_id,
        case when not is_hidden then user_count end as active_user_count
    from judged

)

select * from final
