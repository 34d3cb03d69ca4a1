-- One row per invoice and currency, with the rate that it was billed at: where it is
-- more than a thousandth away from the day's, the one that its unit prices imply (the
-- lower median over articles with one price in the month).
with

invoice_lines as (

    select * from {{ ref('int_invoice_lines') }}

),

articles as (

    select * from {{ ref('int_metered_articles_by_month') }}

),

single_prices as (

    select
        vendor,
        model,
        token_class,
        service_tier,
        context_token_count,
        is_batch,
        month_start,
        max(usd_per_million) as usd_per_million
    from articles
    where usd_per_million > 0
    group by
        vendor,
        model,
        token_class,
        service_tier,
        context_token_count,
        is_batch,
        month_start
    having count(*) = 1

),

implied as (

    select
        invoice_lines.vendor,
        invoice_lines.invoice_id,
        invoice_lines.currency,
        {{ divide_decimals(
            'single_prices.usd_per_million', 6, 'invoice_lines.unit_price', 9, 9
        ) }} as usd_per_unit
    from invoice_lines
    inner join single_prices
        on
            invoice_lines.vendor = single_prices.vendor
            and invoice_lines.model = single_prices.model
            and invoice_lines.token_class = single_prices.token_class
            and invoice_lines.service_tier = single_prices.service_tier
            and invoice_lines.context_token_count = single_prices.context_token_count
            and invoice_lines.is_batch = single_prices.is_batch
            and invoice_lines.first_month = single_prices.month_start
    where
        invoice_lines.names_article
        and invoice_lines.unit_price > 0
        and invoice_lines.currency <> 'USD'

),

ranked as (

    select
        vendor,
        invoice_id,
        currency,
        usd_per_unit,
        row_number() over (
            partition by vendor, invoice_id, currency order by usd_per_unit
        ) as place,
        count(*) over (partition by vendor, invoice_id, currency) as line_count
    from implied

),

medians as (

    select
        vendor,
        invoice_id,
        currency,
        usd_per_unit
    from ranked
    where 2 * place in (line_count, line_count + 1)

),

stated as (

    select distinct
        vendor,
        invoice_id,
        currency,
        usd_per_unit
    from invoice_lines
    where usd_per_unit is not null

),

final as (

    select
        stated.vendor,
        stated.invoice_id,
        stated.currency,
        stated.usd_per_unit,
        case
            when
                abs(medians.usd_per_unit - stated.usd_per_unit)
                > stated.usd_per_unit * 0.001
                then medians.usd_per_unit
            else stated.usd_per_unit
        end as billed_usd_per_unit
    from stated
    left join medians
        on
            stated.vendor = medians.vendor
            and stated.invoice_id = medians.invoice_id
            and stated.currency = medians.currency

)

select * from final
