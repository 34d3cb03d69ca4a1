-- One row per frozen row of the allocation whose closing stands.
with

frozen as (

    select * from {{ ref('core_closed_allocation') }}

),

months_closed as (

    select * from {{ ref('int_months_closed') }}

),

final as (

    select
        frozen.closing_number,
        frozen.closing_row_number,
        frozen.vendor,
        frozen.period_start,
        frozen.restates_period,
        frozen.invoice_id,
        frozen.charge_category,
        frozen.cost_center,
        frozen.team_id,
        frozen.method,
        frozen.team_name,
        frozen.department_id,
        frozen.allocated_cost_usd,
        frozen.is_accrual,
        coalesce(frozen.restates_period, frozen.period_start) as charged_month
    from frozen
    inner join months_closed
        on
            frozen.closing_number = months_closed.closing_number
            and frozen.period_start = months_closed.month_start
    where months_closed.close_status = 'closed'

)

select * from final
