-- One row per invoice line, in USD at the rate of the invoice's date. Lines are whole
-- cents that add up to the invoice, which is rounded once: cents that rounding down
-- loses go to the lines that lost most. Without a rate the amount is null, never 0.
with

invoices as (

    select * from {{ ref('core_invoices') }}

),

kinds as (

    select * from {{ ref('int_invoice_line_kinds') }}

),

rates as (

    select * from {{ ref('int_fx_rates') }}

),

known_currencies as (

    select distinct currency from rates

),

converted as (

    select
        invoices.vendor,
        invoices.invoice_id,
        invoices.invoice_line_id,
        invoices.charge_category,
        invoices.sku,
        invoices.currency,
        invoices.amount,
        invoices.quantity,
        invoices.unit_price,
        rates.usd_per_unit,
        rates.rate_source,
        rates.rate_date,
        cast(invoices.amount * rates.usd_per_unit as numeric(38, 12)) * 100
            as exact_cents,
        known_currencies.currency is not null as is_known_currency,
        invoices.invoice_date,
        invoices.period_start,
        invoices.period_end
    from invoices
    left join rates
        on
            invoices.currency = rates.currency
            and invoices.invoice_date >= rates.valid_from
            and invoices.invoice_date < rates.valid_to
    left join known_currencies
        on invoices.currency = known_currencies.currency

),

ranked as (

    select
        converted.*,
        round(sum(exact_cents) over (
            partition by vendor, invoice_id, currency
        ), 0) - sum(floor(exact_cents)) over (
            partition by vendor, invoice_id, currency
        ) as missing_cents,
        row_number() over (
            partition by vendor, invoice_id, currency
            order by
                exact_cents - floor(exact_cents) desc,
                {{ byte_order('invoice_line_id') }}
        ) as place
    from converted

),

final as (

    select
        ranked.vendor,
        ranked.invoice_id,
        ranked.invoice_line_id,
        ranked.charge_category,
        kinds.line_kind,
        kinds.model,
        kinds.token_class,
        kinds.service_tier,
        kinds.plan,
        ranked.sku,
        ranked.currency,
        ranked.rate_source,
        case
            when not ranked.is_known_currency then 'unknown_currency'
            when ranked.usd_per_unit is null then 'fx_missing'
            when ranked.charge_category = 'credit' and ranked.amount > 0
                then 'credit_sign'
            when
                (ranked.quantity < 0 or ranked.amount < 0)
                and not kinds.is_restating
                then case ranked.charge_category
                    when 'purchase' then 'negative_seat'
                    when 'usage' then 'negative_usage'
                end
        end as problem,
        kinds.context_token_count,
        ranked.amount,
        ranked.quantity,
        ranked.unit_price,
        ranked.usd_per_unit,
        cast(
            floor(ranked.exact_cents)
            + case when ranked.place <= ranked.missing_cents then 1 else 0 end
            as numeric(38, 0)
        ) as amount_usd_cents,
        kinds.is_batch,
        kinds.is_restating,
        -- What can be held against metered usage: an article, and how much of it.
        kinds.line_kind = 'usage'
        and not kinds.is_restating
        and kinds.first_month = kinds.last_month
        and kinds.model is not null
        and coalesce(abs(ranked.quantity) < 1000000000, false) as names_article,
        ranked.rate_date,
        ranked.invoice_date,
        ranked.period_start,
        ranked.period_end,
        kinds.first_month,
        kinds.last_month
    from ranked
    inner join kinds
        on
            ranked.vendor = kinds.vendor
            and ranked.invoice_id = kinds.invoice_id
            and ranked.invoice_line_id = kinds.invoice_line_id

)

select * from final
