-- One row per vendor and month with usage lines that name no article: they stand for
-- all metered usage that no other line of the month names.
with

invoice_lines as (

    select * from {{ ref('int_invoice_lines') }}

),

line_months as (

    select * from {{ ref('int_invoice_line_months') }}

),

articles as (

    select * from {{ ref('int_invoice_articles') }}

),

billed as (

    select
        line_months.vendor,
        line_months.month_start,
        {{ cents_to_usd('sum(line_months.amount_usd_cents)') }} as amount_usd
    from line_months
    inner join invoice_lines
        on
            line_months.vendor = invoice_lines.vendor
            and line_months.invoice_id = invoice_lines.invoice_id
            and line_months.invoice_line_id = invoice_lines.invoice_line_id
    where
        invoice_lines.line_kind = 'usage'
        and not invoice_lines.is_restating
        and not invoice_lines.names_article
    group by line_months.vendor, line_months.month_start

),

not_named as (

    select
        vendor,
        month_start,
        sum(metered_usd) as metered_usd
    from articles
    where line_count = 0 and is_priced
    group by vendor, month_start

),

final as (

    select
        billed.vendor,
        cast(billed.amount_usd as numeric(38, 12)) as amount_usd,
        cast(
            billed.amount_usd - coalesce(not_named.metered_usd, 0) as numeric(38, 12)
        ) as unexplained_usd,
        billed.month_start
    from billed
    left join not_named
        on
            billed.vendor = not_named.vendor
            and billed.month_start = not_named.month_start

)

select * from final
