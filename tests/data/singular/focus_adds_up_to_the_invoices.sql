-- Of every invoice, charges as billed and as in effect add up to its lines, exactly.
with

charges as (

    select
        "InvoiceIssuerName" as vendor,
        "InvoiceId" as invoice_id,
        "BillingCurrency" as currency,
        sum("BilledCost") as billed_cost,
        sum("EffectiveCost") as effective_cost
    from {{ ref('focus_cost_and_usage') }}
    group by "InvoiceIssuerName", "InvoiceId", "BillingCurrency"

),

invoices as (

    select
        vendor,
        invoice_id,
        currency,
        sum(amount) as amount
    from {{ ref('core_invoices') }}
    group by vendor, invoice_id, currency

)

select
    invoices.vendor,
    invoices.invoice_id,
    invoices.amount,
    charges.billed_cost,
    charges.effective_cost
from invoices
full join charges
    on
        invoices.vendor = charges.vendor
        and invoices.invoice_id = charges.invoice_id
        and invoices.currency = charges.currency
where
    invoices.amount is distinct from charges.billed_cost
    or invoices.amount is distinct from charges.effective_cost
