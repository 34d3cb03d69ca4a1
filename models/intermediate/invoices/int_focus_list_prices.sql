-- One row per invoice line whose article has a list price: that of the last day of its
-- period on which the model was metered.
with

invoice_lines as (

    select * from {{ ref('int_invoice_lines') }}

),

prices as (

    select * from {{ ref('int_ai_prices_by_day') }}

),

articles as (

    select distinct
        vendor,
        model,
        token_class,
        service_tier,
        context_token_count,
        is_batch,
        period_start,
        period_end
    from invoice_lines
    where model is not null

),

ranked as (

    select
        articles.*,
        prices.list_usd_per_token,
        row_number() over (
            partition by
                articles.vendor,
                articles.model,
                articles.token_class,
                articles.service_tier,
                articles.context_token_count,
                articles.is_batch,
                articles.period_start,
                articles.period_end
            order by prices.usage_date desc
        ) as place
    from articles
    inner join prices
        on
            articles.vendor = prices.vendor
            and articles.model = prices.model
            and articles.token_class = prices.token_class
            and articles.service_tier = prices.service_tier
            and articles.context_token_count = prices.context_token_count
            and articles.is_batch = prices.is_batch
            and articles.period_start <= prices.usage_date
            and articles.period_end > prices.usage_date
    where prices.list_usd_per_token is not null

),

final as (

    select
        invoice_lines.vendor,
        invoice_lines.invoice_id,
        invoice_lines.invoice_line_id,
        cast(ranked.list_usd_per_token * 1000000 as numeric(24, 6))
            as list_usd_per_million
    from invoice_lines
    inner join ranked
        on
            invoice_lines.vendor = ranked.vendor
            and invoice_lines.model = ranked.model
            and invoice_lines.token_class = ranked.token_class
            and invoice_lines.service_tier = ranked.service_tier
            and invoice_lines.context_token_count = ranked.context_token_count
            and invoice_lines.is_batch = ranked.is_batch
            and invoice_lines.period_start = ranked.period_start
            and invoice_lines.period_end = ranked.period_end
    where ranked.place = 1

)

select * from final
