-- One row per vendor and month between the first and last that its invoices charge for,
-- without an invoice though there was something to bill: what it would have been, at
-- the terms of the invoice before.
with

vendor_months as (

    select * from {{ ref('int_vendor_months') }}

),

totals as (

    select * from {{ ref('int_invoice_totals') }}

),

rates as (

    select * from {{ ref('int_fx_rates') }}

),

articles as (

    select * from {{ ref('int_metered_articles_by_month') }}

),

seat_charges as (

    select * from {{ ref('int_seat_charges_expected') }}

),

spans as (

    select
        vendor,
        min(first_month) as first_month,
        max(last_month) as last_month
    from totals
    group by vendor

),

gaps as (

    select
        vendor_months.vendor,
        vendor_months.month_start
    from vendor_months
    inner join spans
        on
            vendor_months.vendor = spans.vendor
            and vendor_months.month_start > spans.first_month
            and vendor_months.month_start < spans.last_month
    where vendor_months.invoice_count = 0

),

earlier_invoices as (

    select
        gaps.vendor,
        gaps.month_start,
        totals.currency,
        totals.tax_rate,
        {{ days_between(
            add_to_date('totals.last_month', 1, 'month'), 'totals.invoice_date'
        ) }} as day_count,
        row_number() over (
            partition by gaps.vendor, gaps.month_start
            order by
                totals.last_month desc,
                totals.invoice_date desc,
                {{ byte_order('totals.invoice_id') }} desc,
                {{ byte_order('totals.currency') }}
        ) as recency
    from gaps
    inner join totals
        on
            gaps.vendor = totals.vendor
            and gaps.month_start > totals.last_month

),

terms as (

    select
        earlier_invoices.vendor,
        earlier_invoices.month_start,
        earlier_invoices.currency,
        earlier_invoices.tax_rate,
        rates.usd_per_unit
    from earlier_invoices
    left join rates
        on
            earlier_invoices.currency = rates.currency
            and {{ add_to_date(
                add_to_date('earlier_invoices.month_start', 1, 'month'),
                'earlier_invoices.day_count', 'day'
            ) }} >= rates.valid_from
            and {{ add_to_date(
                add_to_date('earlier_invoices.month_start', 1, 'month'),
                'earlier_invoices.day_count', 'day'
            ) }} < rates.valid_to
    where earlier_invoices.recency = 1

),

charges as (

    select
        terms.vendor,
        terms.month_start,
        {{ divide_decimals(
            'articles.metered_cost_usd', 12, 'terms.usd_per_unit', 9, 2
        ) }} as amount
    from terms
    inner join articles
        on
            terms.vendor = articles.vendor
            and terms.month_start = articles.month_start
    where articles.metered_cost_usd is not null

    union all

    select
        terms.vendor,
        terms.month_start,
        seat_charges.amount
    from terms
    inner join seat_charges
        on
            terms.vendor = seat_charges.vendor
            and terms.currency = seat_charges.currency
            and terms.month_start = seat_charges.month_start

),

summed as (

    select
        vendor,
        month_start,
        case when count(*) = count(amount) then sum(amount) end as net_amount
    from charges
    group by vendor, month_start

),

final as (

    select
        terms.vendor,
        terms.currency,
        terms.usd_per_unit,
        cast(
            -summed.net_amount - round(summed.net_amount * terms.tax_rate, 2)
            as numeric(38, 9)
        ) as amount,
        terms.month_start
    from terms
    inner join summed
        on
            terms.vendor = summed.vendor
            and terms.month_start = summed.month_start
    where coalesce(summed.net_amount, 1) <> 0

)

select * from final
