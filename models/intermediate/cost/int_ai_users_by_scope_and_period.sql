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

groups as (

    select * from {{ ref('int_team_reporting_groups') }}

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
        groups.reporting_department_id,
        groups.reporting_team_id,
        grouping(groups.reporting_department_id) as is_organization,
        grouping(groups.reporting_team_id) as is_no_team,
        count(distinct users.person_id) as user_count
    from users
    inner join groups
        on
            users.period_type = groups.period_type
            and users.period_start = groups.period_start
            and users.team_id = groups.team_id
    group by grouping sets (
        (users.period_type, users.period_start),
        (users.period_type, users.period_start, groups.reporting_department_id),
        (
            users.period_type,
            users.period_start,
            groups.reporting_department_id,
            groups.reporting_team_id
        )
    )

),

-- Siblings from the smallest on; whoever stands before a row is in smaller_user_count.
ranked as (

    select
        period_type,
        period_start,
        reporting_department_id,
        reporting_team_id,
        is_organization,
        is_no_team,
        user_count,
        coalesce(sum(user_count) over (
            partition by
                period_type,
                period_start,
                is_organization,
                is_no_team,
                case when is_no_team = 0 then reporting_department_id end
            order by
                user_count,
                {{ byte_order('reporting_department_id') }},
                {{ byte_order('reporting_team_id') }}
            rows between unbounded preceding and 1 preceding
        ), 0) as smaller_user_count
    from counted

),

judged as (

    select
        period_type,
        period_start,
        reporting_department_id,
        reporting_team_id,
        is_organization,
        is_no_team,
        user_count,
        user_count < {{ var('minimum_group_size') }}
        or (
            smaller_user_count > 0
            and smaller_user_count < {{ var('minimum_group_size') }}
        ) as is_hidden
    from ranked

),

hidden_departments as (

    select
        period_type,
        period_start,
        reporting_department_id
    from judged
    where is_organization = 0 and is_no_team = 1 and is_hidden

),

final as (

    select
        judged.period_type,
        judged.period_start,
        case
            when judged.is_no_team = 0 then 'team'
            when judged.is_organization = 0 then 'department'
            else 'organization'
        end as scope_type,
        case
            when judged.is_no_team = 0 then judged.reporting_team_id
            when judged.is_organization = 0 then judged.reporting_department_id
            else 'organization'
        end as scope_id,
        case
            when
                not judged.is_hidden
                and hidden_departments.reporting_department_id is null
                then judged.user_count
        end as active_user_count
    from judged
    left join hidden_departments
        on
            judged.period_type = hidden_departments.period_type
            and judged.period_start = hidden_departments.period_start
            and judged.reporting_department_id
            = hidden_departments.reporting_department_id

)

select * from final
