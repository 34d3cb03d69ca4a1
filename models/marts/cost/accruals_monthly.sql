-- One row per vendor and month that was closed before its invoice came, or is open and
-- waits for it. Closed, the accrual is what was frozen.
with

as_now as (

    select * from {{ ref('cost_allocation_as_now_monthly') }}

),

reconciliation as (

    select * from {{ ref('cost_reconciliation_as_now_monthly') }}

),

frozen as (

    select * from {{ ref('int_allocation_frozen') }}

),

frontier as (

    select * from {{ ref('int_close_frontier') }}

),

accrued as (

    select
        frozen.vendor,
        frozen.period_start,
        true as is_closed,
        sum(frozen.allocated_cost_usd) as accrued_cost_usd
    from frozen
    where frozen.is_accrual and frozen.restates_period is null
    group by frozen.vendor, frozen.period_start

    union all

    select
        as_now.vendor,
        as_now.period_start,
        false as is_closed,
        sum(as_now.allocated_cost_usd) as accrued_cost_usd
    from as_now
    cross join frontier
    where as_now.is_accrual and as_now.period_start > frontier.closed_through
    group by as_now.vendor, as_now.period_start

),

final as (

    select
        accrued.vendor,
        accrued.period_start,
        case
            when reconciliation.vendor_reported_cost_usd is not null
                then 'vendor_reported'
            else 'metered'
        end as accrual_basis,
        cast(accrued.accrued_cost_usd as numeric(38, 12)) as accrued_cost_usd,
        reconciliation.invoiced_cost_usd,
        cast(
            reconciliation.invoiced_cost_usd - accrued.accrued_cost_usd
            as numeric(38, 12)
        ) as accrual_error_usd,
        accrued.is_closed,
        coalesce(reconciliation.invoice_count > 0, false) as is_reversed,
        {{ add_to_date('accrued.period_start', 1, 'month') }} > {{ as_of() }}
            as is_partial_period,
        {{ add_to_date('accrued.period_start', 1, 'month') }} as period_end
    from accrued
    left join reconciliation
        on
            accrued.vendor = reconciliation.vendor
            and accrued.period_start = reconciliation.period_start

)

select * from final
