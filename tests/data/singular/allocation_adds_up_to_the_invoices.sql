{{ config(group='cost') }}
-- What the teams bear of an invoice is what it charges, to the cent, at one rounding.
with

invoices as (

    select
        invoices.vendor,
        invoices.invoice_id,
        round(sum(invoices.amount * rates.usd_per_unit), 2) as invoiced_cost_usd,
        count(*) as line_count,
        count(rates.usd_per_unit) as line_count_with_rate
    from {{ ref('core_invoices') }} as invoices
    left join {{ ref('int_fx_rates') }} as rates
        on
            invoices.currency = rates.currency
            and invoices.invoice_date >= rates.valid_from
            and invoices.invoice_date < rates.valid_to
    group by invoices.vendor, invoices.invoice_id

),

allocated as (

    select
        vendor,
        invoice_id,
        sum(allocated_cost_usd) as allocated_cost_usd,
        count(*) as row_count,
        count(allocated_cost_usd) as row_count_with_cost
    from {{ ref('cost_allocation_as_now_monthly') }}
    group by vendor, invoice_id

)

select
    invoices.vendor,
    invoices.invoice_id,
    invoices.invoiced_cost_usd,
    allocated.allocated_cost_usd
from invoices
left join allocated
    on
        invoices.vendor = allocated.vendor
        and invoices.invoice_id = allocated.invoice_id
where
    allocated.invoice_id is null
    or (
        invoices.line_count = invoices.line_count_with_rate
        and (
            invoices.invoiced_cost_usd <> allocated.allocated_cost_usd
            or allocated.row_count <> allocated.row_count_with_cost
        )
    )
    -- A line without a rate is somebody's row, with nothing in it.
    or (
        invoices.line_count > invoices.line_count_with_rate
        and allocated.row_count = allocated.row_count_with_cost
    )
