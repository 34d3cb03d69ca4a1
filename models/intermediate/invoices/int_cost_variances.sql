-- One row per vendor, month and reason why an invoice is not the metered cost. Each
-- line's amount goes where its kind says; nothing is left over to be plugged.
with

invoice_lines as (

    select * from {{ ref('int_invoice_lines') }}

),

line_months as (

    select * from {{ ref('int_invoice_line_months') }}

),

usage_lines as (

    select * from {{ ref('int_invoice_usage_lines') }}

),

seat_plans as (

    select * from {{ ref('int_invoice_seat_plans') }}

),

articles as (

    select * from {{ ref('int_invoice_articles') }}

),

article_differences as (

    select * from {{ ref('int_invoice_article_differences') }}

),

unnamed as (

    select * from {{ ref('int_invoice_unnamed_usage') }}

),

-- Lines that stand for themselves; usage and seats come below.
plain_lines as (

    select
        line_months.vendor,
        line_months.month_start,
        case
            when invoice_lines.is_restating then 'timing'
            when invoice_lines.line_kind = 'tax' then 'tax'
            when invoice_lines.line_kind = 'credit' and invoice_lines.amount <= 0
                then 'credits'
            when
                invoice_lines.line_kind = 'commitment'
                or (
                    invoice_lines.line_kind in ('purchase', 'seat')
                    and invoice_lines.first_month < invoice_lines.last_month
                )
                then 'commitment'
            when invoice_lines.line_kind in ('seat', 'usage') then 'compared'
            else 'unexplained'
        end as reason,
        {{ cents_to_usd('line_months.amount_usd_cents') }} as amount_usd
    from line_months
    inner join invoice_lines
        on
            line_months.vendor = invoice_lines.vendor
            and line_months.invoice_id = invoice_lines.invoice_id
            and line_months.invoice_line_id = invoice_lines.invoice_line_id

),

parts as (

    select
        vendor,
        month_start,
        reason,
        amount_usd
    from plain_lines
    where reason <> 'compared'

    {% for reason, column in [
        ('price', 'price_usd'), ('fx', 'fx_usd'), ('unexplained', 'unexplained_usd'),
        ('rounding',
            'amount_usd - book_cost_usd - price_usd - fx_usd - unexplained_usd'),
    ] -%}
    union all

    select
        vendor,
        month_start,
        '{{ reason }}' as reason,
        cast({{ column }} as numeric(38, 12)) as amount_usd
    from usage_lines

    {% endfor -%}
    {% for reason, column in [
        ('seats', 'seats_usd'), ('rounding', 'rounding_usd'),
        ('unexplained', 'unexplained_usd'),
    ] -%}
    union all

    select
        vendor,
        month_start,
        '{{ reason }}' as reason,
        cast({{ column }} as numeric(38, 12)) as amount_usd
    from seat_plans

    {% endfor -%}
    {% for reason in ['quantity', 'classification'] -%}
    union all

    select
        vendor,
        month_start,
        '{{ reason }}' as reason,
        {{ reason }}_usd as amount_usd
    from article_differences

    {% endfor -%}
    union all

    select
        vendor,
        month_start,
        'unexplained' as reason,
        unexplained_usd as amount_usd
    from unnamed

    union all

    -- Used, billed, and nobody knows the price.
    select
        vendor,
        month_start,
        'unexplained' as reason,
        billed_usd as amount_usd
    from articles
    where not is_priced

),

final as (

    select
        vendor,
        reason,
        cast(coalesce(sum(amount_usd), 0) as numeric(38, 12)) as amount_usd,
        month_start
    from parts
    group by vendor, reason, month_start

)

select * from final
