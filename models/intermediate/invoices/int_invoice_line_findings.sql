-- One row per finding on an invoice line.
with

invoices as (

    select * from {{ ref('core_invoices') }}

),

invoice_lines as (

    select * from {{ ref('int_invoice_lines') }}

),

usage_lines as (

    select * from {{ ref('int_invoice_usage_lines') }}

),

repeated as (

    select
        vendor,
        invoice_id,
        invoice_line_id,
        row_number() over (
            partition by
                vendor,
                invoice_id,
                sku,
                description,
                restates_period,
                currency,
                amount,
                quantity,
                unit_price,
                invoice_date,
                period_start,
                period_end
            order by {{ byte_order('invoice_line_id') }}
        ) as place
    from invoices
    where charge_category = 'usage' and sku is not null and quantity is not null

),

charged as (

    select distinct
        vendor,
        charge_category,
        sku,
        invoice_id,
        invoice_date,
        period_start,
        period_end
    from invoice_lines
    where
        charge_category in ('usage', 'purchase')
        and sku is not null
        and not is_restating
        and period_end > period_start

),

-- Whatever overlaps a period overlaps it on the first invoice that charges for it.
first_charged as (

    select
        charged.*,
        row_number() over (
            partition by vendor, charge_category, sku, period_start, period_end
            order by invoice_date, {{ byte_order('invoice_id') }}
        ) as place
    from charged

),

charged_again as (

    select distinct
        later.vendor,
        later.charge_category,
        later.sku,
        later.invoice_id,
        later.period_start,
        later.period_end
    from charged as later
    inner join first_charged as earlier
        on
            later.vendor = earlier.vendor
            and later.charge_category = earlier.charge_category
            and later.sku = earlier.sku
            and later.period_start < earlier.period_end
            and later.period_end > earlier.period_start
    where
        earlier.place = 1
        and (
            later.invoice_date > earlier.invoice_date
            or (
                later.invoice_date = earlier.invoice_date
                and {{ byte_order('later.invoice_id') }}
                > {{ byte_order('earlier.invoice_id') }}
            )
        )

),

found as (

    select
        vendor,
        invoice_id,
        invoice_line_id,
        problem as finding
    from invoice_lines
    where problem is not null

    union all

    select
        vendor,
        invoice_id,
        invoice_line_id,
        'late_correction' as finding
    from invoice_lines
    where is_restating

    union all

    select
        vendor,
        invoice_id,
        invoice_line_id,
        'line_twice' as finding
    from repeated
    where place > 1

    union all

    select
        vendor,
        invoice_id,
        invoice_line_id,
        'wrong_price' as finding
    from usage_lines
    where not is_price_met

    union all

    select
        invoice_lines.vendor,
        invoice_lines.invoice_id,
        invoice_lines.invoice_line_id,
        'period_overlap' as finding
    from invoice_lines
    inner join charged_again
        on
            invoice_lines.vendor = charged_again.vendor
            and invoice_lines.charge_category = charged_again.charge_category
            and invoice_lines.sku = charged_again.sku
            and invoice_lines.invoice_id = charged_again.invoice_id
            and invoice_lines.period_start = charged_again.period_start
            and invoice_lines.period_end = charged_again.period_end
    where not invoice_lines.is_restating

),

final as (

    select
        found.vendor,
        found.invoice_id,
        found.invoice_line_id,
        found.finding,
        invoice_lines.currency,
        invoice_lines.usd_per_unit,
        cast(
            case
                when found.finding = 'wrong_price' then usage_lines.price_difference
                else invoice_lines.amount
            end as numeric(38, 9)
        ) as amount,
        invoice_lines.first_month as month_start
    from found
    inner join invoice_lines
        on
            found.vendor = invoice_lines.vendor
            and found.invoice_id = invoice_lines.invoice_id
            and found.invoice_line_id = invoice_lines.invoice_line_id
    left join usage_lines
        on
            found.vendor = usage_lines.vendor
            and found.invoice_id = usage_lines.invoice_id
            and found.invoice_line_id = usage_lines.invoice_line_id

)

select * from final
