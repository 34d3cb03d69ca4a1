-- One row per cost centre, vendor (or 'all') and month with cost: what is invoiced, and
-- what is accrued where no invoice charges for the month yet. Null where a part of it
-- has no rate or price.
with

allocated as (

    select * from {{ ref('int_costs_allocated') }}

),

lines as (

    select * from {{ ref('int_cost_centers_by_line') }}

),

posted as (

    select
        lines.cost_center,
        allocated.vendor,
        allocated.pool_source,
        allocated.amount_usd_cents,
        allocated.month_start
    from allocated
    inner join lines
        on allocated.team_id = lines.team_id

),

summed as (

    select
        cost_center,
        case when grouping(vendor) = 0 then vendor else 'all' end as vendor,
        month_start,
        sum(case when pool_source = 'invoice' then amount_usd_cents else 0 end)
            as invoiced_cents,
        sum(case when pool_source = 'accrual' then amount_usd_cents else 0 end)
            as accrued_cents,
        count(*) = count(amount_usd_cents) as is_known,
        count(case when pool_source = 'accrual' then 1 end) > 0 as is_accrued
    from posted
    group by grouping sets (
        (cost_center, vendor, month_start),
        (cost_center, month_start)
    )

),

final as (

    select
        cost_center,
        vendor,
        case when is_known then {{ cents_to_usd('invoiced_cents') }} end
            as invoiced_usd,
        case when is_known then {{ cents_to_usd('accrued_cents') }} end as accrued_usd,
        is_accrued,
        month_start
    from summed

)

select * from final
