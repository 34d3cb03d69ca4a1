-- One row per vendor, month and article that is metered or billed: tokens (millions)
-- and cost on both sides, at the book's prices. What is billed and was never metered
-- that month stands with its amount; tokens without a price stand nowhere.
with

invoice_lines as (

    select * from {{ ref('int_invoice_lines') }}

),

usage_lines as (

    select * from {{ ref('int_invoice_usage_lines') }}

),

articles as (

    select * from {{ ref('int_metered_articles_by_month') }}

),

sides as (

    select
        vendor,
        model,
        token_class,
        service_tier,
        context_token_count,
        is_batch,
        month_start,
        0 as line_count,
        cast(0 as numeric(28, 9)) as billed_quantity,
        cast(0 as numeric(38, 12)) as billed_usd,
        cast(
            case when metered_cost_usd is null then 0 else token_count * 0.000001 end
            as numeric(28, 9)
        ) as metered_quantity,
        cast(coalesce(metered_cost_usd, 0) as numeric(38, 12)) as metered_usd,
        1 as metered_count,
        case when metered_cost_usd is null then 0 else 1 end as priced_count
    from articles

    union all

    select
        vendor,
        model,
        token_class,
        service_tier,
        context_token_count,
        is_batch,
        month_start,
        1 as line_count,
        quantity as billed_quantity,
        book_cost_usd as billed_usd,
        cast(0 as numeric(28, 9)) as metered_quantity,
        cast(0 as numeric(38, 12)) as metered_usd,
        0 as metered_count,
        0 as priced_count
    from usage_lines

    union all

    -- Named on the invoice, without a price to hold it against.
    select
        invoice_lines.vendor,
        invoice_lines.model,
        invoice_lines.token_class,
        invoice_lines.service_tier,
        invoice_lines.context_token_count,
        invoice_lines.is_batch,
        invoice_lines.first_month as month_start,
        1 as line_count,
        invoice_lines.quantity as billed_quantity,
        {{ cents_to_usd('invoice_lines.amount_usd_cents') }} as billed_usd,
        cast(0 as numeric(28, 9)) as metered_quantity,
        cast(0 as numeric(38, 12)) as metered_usd,
        0 as metered_count,
        0 as priced_count
    from invoice_lines
    left join usage_lines
        on
            invoice_lines.vendor = usage_lines.vendor
            and invoice_lines.invoice_id = usage_lines.invoice_id
            and invoice_lines.invoice_line_id = usage_lines.invoice_line_id
    where invoice_lines.names_article and usage_lines.vendor is null

),

final as (

    select
        vendor,
        model,
        token_class,
        service_tier,
        context_token_count,
        cast(sum(line_count) as bigint) as line_count,
        cast(sum(billed_quantity) as numeric(28, 9)) as billed_quantity,
        cast(sum(metered_quantity) as numeric(28, 9)) as metered_quantity,
        cast(coalesce(sum(billed_usd), 0) as numeric(38, 12)) as billed_usd,
        cast(coalesce(sum(metered_usd), 0) as numeric(38, 12)) as metered_usd,
        is_batch,
        sum(metered_count) > 0 as is_metered,
        sum(metered_count) = 0 or sum(priced_count) > 0 as is_priced,
        month_start
    from sides
    group by
        vendor,
        model,
        token_class,
        service_tier,
        context_token_count,
        is_batch,
        month_start

)

select * from final
