-- One row per invoice line that names a metered article, with the one price of the
-- article that it is held against: one that it meets, else one that no other line of
-- the invoice meets; then the closest in quantity, then the lower.
with

invoice_lines as (

    select * from {{ ref('int_invoice_lines') }}

),

implied_rates as (

    select * from {{ ref('int_invoice_implied_rates') }}

),

articles as (

    select * from {{ ref('int_metered_articles_by_month') }}

),

candidates as (

    select
        invoice_lines.vendor,
        invoice_lines.invoice_id,
        invoice_lines.invoice_line_id,
        articles.model,
        articles.token_class,
        articles.service_tier,
        articles.context_token_count,
        articles.is_batch,
        articles.usd_per_million,
        abs(invoice_lines.quantity * 1000000 - articles.token_count) as distance,
        implied_rates.billed_usd_per_unit,
        coalesce(
            abs(
                invoice_lines.unit_price * implied_rates.billed_usd_per_unit
                - articles.usd_per_million
            ) <= greatest(0.000002, articles.usd_per_million * 0.0001),
            true
        ) as is_met
    from invoice_lines
    inner join implied_rates
        on
            invoice_lines.vendor = implied_rates.vendor
            and invoice_lines.invoice_id = implied_rates.invoice_id
            and invoice_lines.currency = implied_rates.currency
    inner join articles
        on
            invoice_lines.vendor = articles.vendor
            and invoice_lines.model = articles.model
            and invoice_lines.token_class = articles.token_class
            and invoice_lines.service_tier = articles.service_tier
            and invoice_lines.context_token_count = articles.context_token_count
            and invoice_lines.is_batch = articles.is_batch
            and invoice_lines.first_month = articles.month_start
    where invoice_lines.names_article and articles.usd_per_million is not null

),

contested as (

    select
        candidates.*,
        count(case when is_met then 1 end) over (
            partition by
                vendor,
                invoice_id,
                model,
                token_class,
                service_tier,
                context_token_count,
                is_batch,
                usd_per_million
        ) as met_count
    from candidates

),

ranked as (

    select
        vendor,
        invoice_id,
        invoice_line_id,
        usd_per_million,
        billed_usd_per_unit,
        is_met,
        row_number() over (
            partition by vendor, invoice_id, invoice_line_id
            order by
                case when is_met then 0 else 1 end,
                case when is_met or met_count = 0 then 0 else 1 end,
                distance,
                usd_per_million
        ) as preference
    from contested

),

final as (

    select
        vendor,
        invoice_id,
        invoice_line_id,
        usd_per_million,
        billed_usd_per_unit,
        is_met as is_price_met
    from ranked
    where preference = 1

)

select * from final
