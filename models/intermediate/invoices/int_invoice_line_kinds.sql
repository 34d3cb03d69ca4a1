-- One row per invoice line, with what it charges for and in which months. A line
-- restates if it says so, or adjusts a month that an earlier invoice has charged for.
with

invoices as (

    select * from {{ ref('core_invoices') }}

),

texts as (

    select * from {{ ref('int_invoice_texts') }}

),

dated as (

    select
        vendor,
        invoice_id,
        invoice_line_id,
        charge_category,
        lower(coalesce(sku, description, '')) as line_text,
        restates_period,
        invoice_date,
        {{ period_start('month', 'period_start') }} as first_month,
        case
            when period_end > period_start
                then {{ period_start('month', add_to_date('period_end', -1, 'day')) }}
            else {{ period_start('month', 'period_start') }}
        end as last_month
    from invoices

),

placed as (

    select
        vendor,
        invoice_id,
        invoice_line_id,
        charge_category,
        line_text,
        restates_period,
        invoice_date,
        first_month,
        last_month,
        max(last_month) over (partition by vendor, invoice_id) as invoice_month,
        min(invoice_date) over (partition by vendor, last_month) as first_invoiced_on
    from dated

),

final as (

    select
        placed.vendor,
        placed.invoice_id,
        placed.invoice_line_id,
        case
            when placed.charge_category = 'tax' then 'tax'
            when texts.line_kind is not null then texts.line_kind
            when placed.charge_category = 'purchase' and texts.plan is not null
                then 'seat'
            else placed.charge_category
        end as line_kind,
        texts.model,
        texts.token_class,
        texts.service_tier,
        texts.plan,
        texts.context_token_count,
        texts.is_batch,
        placed.restates_period is not null
        or (
            placed.charge_category in ('adjustment', 'credit')
            and placed.last_month < placed.invoice_month
            and placed.first_invoiced_on < placed.invoice_date
        ) as is_restating,
        placed.first_month,
        placed.last_month
    from placed
    left join texts
        on
            placed.vendor = texts.vendor
            and placed.line_text = texts.line_text

)

select * from final
