-- One row per vendor, invoice and line of it.
with

invoices as (

    select * from {{ union_systems('invoices') }}

),

final as (

    select
        vendor,
        invoice_id,
        invoice_line_id,
        charge_category,
        description,
        sku,
        restates_period,
        currency,
        amount,
        quantity,
        unit_price,
        invoice_date,
        period_start,
        period_end
    from invoices
    where invoice_date < {{ as_of() }}

)

select * from final
