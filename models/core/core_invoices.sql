-- One row per vendor, invoice and line of it. An invoice has one date and so one rate:
-- the earliest that its lines state.
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
        min(invoice_date) over (partition by vendor, invoice_id) as invoice_date,
        period_start,
        period_end
    from invoices
    where invoice_date < {{ as_of() }}

)

select * from final
