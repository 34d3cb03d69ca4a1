-- One row per team, vendor, model, token class, unit, tier, batch or not, and day.
-- Teams below the minimum group stand on the line of the month that they are pooled in;
-- nothing is left out.
with

costs as (

    select * from {{ ref('int_ai_usage_split_by_team') }}

),

groups as (

    select * from {{ ref('int_team_reporting_groups') }}

),

teams as (

    select * from {{ ref('dim_teams') }}

),

grouped as (

    select
        groups.reporting_team_id as team_id,
        groups.reporting_department_id as department_id,
        costs.vendor,
        costs.model,
        costs.token_class,
        costs.unit_name,
        costs.service_tier,
        costs.price_status,
        costs.price_source,
        sum(costs.quantity) as quantity,
        sum(costs.list_cost_usd) as list_cost_usd,
        sum(costs.metered_cost_usd) as metered_cost_usd,
        costs.is_batch,
        costs.usage_date
    from costs
    inner join groups
        on
            costs.team_id = groups.team_id
            and groups.period_type = 'month'
            and {{ period_start('month', 'costs.usage_date') }} = groups.period_start
    group by
        groups.reporting_team_id,
        groups.reporting_department_id,
        costs.vendor,
        costs.model,
        costs.token_class,
        costs.unit_name,
        costs.service_tier,
        costs.price_status,
        costs.price_source,
        costs.is_batch,
        costs.usage_date

),

final as (

    select
        grouped.team_id,
        grouped.vendor,
        grouped.model,
        grouped.token_class,
        grouped.unit_name,
        grouped.service_tier,
        grouped.is_batch,
        grouped.usage_date,
        grouped.department_id,
        coalesce(teams.team_name, 'Teams below the minimum group') as team_name,
        coalesce(departments.team_name, 'Teams below the minimum group')
            as department_name,
        grouped.price_status,
        grouped.price_source,
        cast(grouped.quantity as numeric(38, 12)) as quantity,
        cast(grouped.list_cost_usd as numeric(38, 12)) as list_cost_usd,
        cast(grouped.metered_cost_usd as numeric(38, 12)) as metered_cost_usd
    from grouped
    left join teams
        on grouped.team_id = teams.team_id
    left join teams as departments
        on grouped.department_id = departments.team_id

)

select * from final
