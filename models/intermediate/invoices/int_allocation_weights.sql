-- One row per vendor, month, driver and line of teams: the whole-number weight by which
-- costs are shared out. Drivers: metered cost of an article, of all the vendor's usage;
-- days that seats of a plan, or all seats, were held.
with

usage_costs as (

    select * from {{ ref('int_ai_usage_split_by_team') }}

),

seat_days as (

    select * from {{ ref('int_seat_team_days') }}

),

groups as (

    select * from {{ ref('int_team_reporting_groups') }}

),

used as (

    select
        vendor,
        'article|' || model || '|' || token_class || '|' || service_tier
        || case when is_batch then '|batch' else '' end as driver,
        team_id,
        coalesce(metered_cost_usd, 0) * 1000000000 as weight,
        {{ period_start('month', 'usage_date') }} as month_start
    from usage_costs

),

driven as (

    select
        vendor,
        driver,
        team_id,
        sum(weight) as weight,
        month_start
    from used
    group by vendor, driver, team_id, month_start

    union all

    select
        vendor,
        'usage' as driver,
        team_id,
        sum(weight) as weight,
        month_start
    from used
    group by vendor, team_id, month_start

    union all

    select
        vendor,
        'plan|' || plan as driver,
        team_id,
        sum(shared_day_count) * 1000000000000 as weight,
        month_start
    from seat_days
    group by vendor, plan, team_id, month_start

    union all

    select
        vendor,
        'seats' as driver,
        team_id,
        sum(shared_day_count) * 1000000000000 as weight,
        month_start
    from seat_days
    group by vendor, team_id, month_start

),

final as (

    select
        driven.vendor,
        driven.driver,
        case
            when driven.team_id = 'unattributed' then driven.team_id
            else coalesce(groups.reporting_team_id, 'small_teams')
        end as team_id,
        cast(round(sum(driven.weight), 0) as numeric(38, 0)) as weight,
        driven.month_start
    from driven
    left join groups
        on
            driven.team_id = groups.team_id
            and groups.period_type = 'month'
            and driven.month_start = groups.period_start
    group by
        driven.vendor,
        driven.driver,
        case
            when driven.team_id = 'unattributed' then driven.team_id
            else coalesce(groups.reporting_team_id, 'small_teams')
        end,
        driven.month_start

)

select * from final
