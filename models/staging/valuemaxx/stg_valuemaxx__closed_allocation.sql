-- One row per frozen row of the allocation.
with

records as (

    select * from {{ latest(source('valuemaxx', 'closed_allocation')) }}

),

final as (

    select
        closing_number,
        row_number as closing_row_number,
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
        cast(allocated_cost_usd as numeric(38, 12)) as allocated_cost_usd,
        is_accrual
    from records

)

select * from final
