-- One row per vendor, invoice and line of it. Periods end before period_end.
with

records as (

    select * from {{ latest(source('files', 'invoices')) }}

),

final as (

    select
        lower(vendor) as vendor,
        'files:' || invoice_id as invoice_id,
        invoice_line_id,
        charge_category,
        description,
        sku,
        restates_period,
        upper(currency) as currency,
        amount,
        quantity,
        unit_price,
        invoice_date,
        period_start,
        period_end
    from records

)

select * from final
