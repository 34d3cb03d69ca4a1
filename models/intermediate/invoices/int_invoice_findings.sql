-- One row per finding on an invoice as a whole, or on one that did not come. Of a
-- difference in what is taxed, the tax is part.
with

totals as (

    select * from {{ ref('int_invoice_totals') }}

),

usage_lines as (

    select * from {{ ref('int_invoice_usage_lines') }}

),

unknown_key_charges as (

    select * from {{ ref('int_unknown_key_charges') }}

),

missing_invoices as (

    select * from {{ ref('int_missing_invoices') }}

),

differences as (

    select
        vendor,
        invoice_id,
        currency,
        'fx_difference' as finding,
        sum(fx_difference) as amount,
        min(month_start) as month_start
    from usage_lines
    where billed_usd_per_unit <> usd_per_unit
    group by vendor, invoice_id, currency

    union all

    select
        vendor,
        invoice_id,
        currency,
        'unknown_key' as finding,
        amount,
        month_start
    from unknown_key_charges

),

taxed as (

    select
        differences.vendor,
        differences.invoice_id,
        differences.currency,
        differences.finding,
        totals.usd_per_unit,
        differences.amount
        + round(totals.tax_rate * totals.net_amount, 2)
        - round(totals.tax_rate * (totals.net_amount - differences.amount), 2)
            as amount,
        differences.month_start
    from differences
    inner join totals
        on
            differences.vendor = totals.vendor
            and differences.invoice_id = totals.invoice_id
            and differences.currency = totals.currency

),

final as (

    select
        vendor,
        invoice_id,
        finding,
        currency,
        usd_per_unit,
        cast(amount as numeric(38, 9)) as amount,
        month_start
    from taxed

    union all

    select
        vendor,
        invoice_id,
        'credit_exceeds_invoice' as finding,
        currency,
        usd_per_unit,
        cast(net_amount + tax_amount as numeric(38, 9)) as amount,
        first_month as month_start
    from totals
    where credit_amount < 0 and net_amount + tax_amount < 0

    union all

    select
        vendor,
        cast(null as text) as invoice_id,
        'missing_month' as finding,
        currency,
        usd_per_unit,
        amount,
        month_start
    from missing_invoices

)

select * from final
