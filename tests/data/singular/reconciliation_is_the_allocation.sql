-- What a vendor invoiced for a month is what the teams bear of it.
with

allocated as (

    select
        vendor,
        period_start,
        sum(allocated_cost_usd) as allocated_cost_usd
    from {{ ref('cost_allocation_as_now_monthly') }}
    group by vendor, period_start

)

select
    reconciled.vendor,
    reconciled.period_start,
    reconciled.invoiced_cost_usd,
    allocated.allocated_cost_usd
from {{ ref('cost_reconciliation_as_now_monthly') }} as reconciled
left join allocated
    on
        reconciled.vendor = allocated.vendor
        and reconciled.period_start = allocated.period_start
where
    reconciled.invoiced_cost_usd is not null
    and reconciled.invoiced_cost_usd <> coalesce(allocated.allocated_cost_usd, 0)
