-- One row per cost centre, vendor (or 'all') and month with a budget, in USD at the
-- last rate of the month's first day. A budget without a vendor is for all of them; a
-- centre without one has the sum of those that it has.
with

budgets as (

    select * from {{ ref('core_budgets') }}

),

rates as (

    select * from {{ ref('int_fx_rates') }}

),

converted as (

    select
        budgets.cost_center,
        coalesce(budgets.vendor, 'all') as vendor,
        round(budgets.amount * rates.usd_per_unit, 2) as budget_usd,
        {{ period_start('month', 'budgets.month') }} as month_start
    from budgets
    left join rates
        on
            budgets.currency = rates.currency
            and budgets.month >= rates.valid_from
            and budgets.month < rates.valid_to

),

summed as (

    select
        cost_center,
        vendor,
        case when count(*) = count(budget_usd) then sum(budget_usd) end as budget_usd,
        month_start
    from converted
    group by cost_center, vendor, month_start

),

totals as (

    select
        cost_center,
        month_start,
        max(case when vendor = 'all' then 1 else 0 end) as has_budget_of_all,
        max(case when vendor = 'all' then budget_usd end) as budget_of_all_usd,
        case when count(*) = count(budget_usd) then sum(budget_usd) end as budget_usd
    from summed
    group by cost_center, month_start

),

final as (

    select
        cost_center,
        'all' as vendor,
        cast(
            case when has_budget_of_all = 1 then budget_of_all_usd else budget_usd end
            as numeric(38, 12)
        ) as budget_usd,
        month_start
    from totals

    union all

    select
        cost_center,
        vendor,
        cast(budget_usd as numeric(38, 12)) as budget_usd,
        month_start
    from summed
    where vendor <> 'all'

)

select * from final
