-- One row per invoice, month that it charges for, charge category, line of teams and
-- method, as known now. Whole cents that add up to the invoice; a month without one has
-- its accrual.
with

allocated as (

    select * from {{ ref('int_costs_allocated') }}

),

lines as (

    select * from {{ ref('int_cost_centers_by_line') }}

),

summed as (

    select
        vendor,
        month_start,
        coalesce(invoice_id, 'accrual') as invoice_id,
        charge_category,
        team_id,
        method,
        pool_source = 'accrual' as is_accrual,
        case
            when count(*) = count(amount_usd_cents)
                then {{ cents_to_usd('sum(amount_usd_cents)') }}
        end as allocated_cost_usd
    from allocated
    where pool_source = 'invoice' or amount_usd_cents is not null
    group by
        vendor,
        month_start,
        coalesce(invoice_id, 'accrual'),
        charge_category,
        team_id,
        method,
        pool_source = 'accrual'

),

final as (

    select
        summed.vendor,
        summed.month_start as period_start,
        summed.invoice_id,
        summed.charge_category,
        lines.cost_center,
        summed.team_id,
        summed.method,
        lines.team_name,
        lines.department_id,
        cast(summed.allocated_cost_usd as numeric(38, 12)) as allocated_cost_usd,
        summed.charge_category = 'tax' as is_tax,
        summed.is_accrual,
        {{ add_to_date('summed.month_start', 1, 'month') }} > {{ as_of() }}
            as is_partial_period,
        {{ add_to_date('summed.month_start', 1, 'month') }} as period_end
    from summed
    inner join lines
        on summed.team_id = lines.team_id

)

select * from final
