-- One row per vendor and month with what the vendor says it will bill, in USD at the
-- rate of each day; null if a day has no rate. Also of the days that as_of has passed
-- whole.
with

ai_costs as (

    select * from {{ ref('core_ai_costs') }}

),

rates as (

    select * from {{ ref('int_fx_rates') }}

),

converted as (

    select
        ai_costs.vendor,
        ai_costs.cost_date < cast({{ as_of() }} as date) as is_whole_day,
        cast(ai_costs.amount * rates.usd_per_unit as numeric(38, 12)) as cost_usd,
        {{ period_start('month', 'ai_costs.cost_date') }} as month_start
    from ai_costs
    left join rates
        on
            ai_costs.currency = rates.currency
            and ai_costs.cost_date >= rates.valid_from
            and ai_costs.cost_date < rates.valid_to

),

final as (

    select
        vendor,
        cast(
            case when count(*) = count(cost_usd) then sum(cost_usd) end
            as numeric(38, 12)
        ) as cost_usd,
        cast(
            case
                when count(*) = count(cost_usd)
                    then sum(case when is_whole_day then cost_usd end)
            end as numeric(38, 12)
        ) as whole_days_cost_usd,
        month_start
    from converted
    group by vendor, month_start

)

select * from final
