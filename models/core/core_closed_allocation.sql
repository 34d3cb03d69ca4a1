-- One row per frozen row of the allocation, also of closings that were taken back.
with

closed_allocation as (

    select * from {{ ref('stg_valuemaxx__closed_allocation') }}

),

final as (

    select
        closing_number,
        closing_row_number,
        vendor,
        period_start,
        restates_period,
        invoice_id,
        charge_category,
        cost_center,
        team_id,
        method,
        team_name,
        department_id,
        allocated_cost_usd,
        is_accrual
    from closed_allocation

)

select * from final
