-- One row per vendor and month with usage through keys that nobody knows and an invoice
-- for it: what that usage put on the invoice, before tax. Each article is rounded as a
-- line of the invoice is, with that usage and without it.
with

unknown_costs as (

    select * from {{ ref('int_unknown_key_costs_by_month') }}

),

articles as (

    select * from {{ ref('int_metered_articles_by_month') }}

),

invoice_lines as (

    select * from {{ ref('int_invoice_lines') }}

),

invoices as (

    select
        vendor,
        invoice_id,
        currency,
        usd_per_unit,
        first_month as month_start,
        row_number() over (
            partition by vendor, first_month
            order by
                invoice_date,
                {{ byte_order('invoice_id') }},
                {{ byte_order('invoice_line_id') }}
        ) as place
    from invoice_lines
    where line_kind = 'usage' and not is_restating

),

articles_with_both as (

    select
        unknown_costs.vendor,
        unknown_costs.month_start,
        articles.metered_cost_usd,
        articles.metered_cost_usd - unknown_costs.metered_cost_usd as known_cost_usd
    from unknown_costs
    inner join articles
        on
            unknown_costs.vendor = articles.vendor
            and unknown_costs.month_start = articles.month_start
            and unknown_costs.model = articles.model
            and unknown_costs.token_class = articles.token_class
            and unknown_costs.service_tier = articles.service_tier
            and unknown_costs.context_token_count = articles.context_token_count
            and unknown_costs.is_batch = articles.is_batch
            and unknown_costs.usd_per_million = articles.usd_per_million

),

final as (

    select
        invoices.vendor,
        invoices.invoice_id,
        invoices.currency,
        cast(
            sum(
                {{ divide_decimals(
                    'articles_with_both.metered_cost_usd', 12,
                    'invoices.usd_per_unit', 9, 2
                ) }}
                - {{ divide_decimals(
                    'articles_with_both.known_cost_usd', 12,
                    'invoices.usd_per_unit', 9, 2
                ) }}
            ) as numeric(38, 9)
        ) as amount,
        invoices.month_start
    from invoices
    inner join articles_with_both
        on
            invoices.vendor = articles_with_both.vendor
            and invoices.month_start = articles_with_both.month_start
    where invoices.place = 1
    group by
        invoices.vendor,
        invoices.invoice_id,
        invoices.currency,
        invoices.month_start

)

select * from final
