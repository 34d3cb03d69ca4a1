-- One row per invoice line that names a metered article with a price: what it should
-- have been at the book's price and the day's rate, and why it is something else. A
-- line that meets its price at the day's rate and still differs by more than a cent is
-- unexplained.
with

invoice_lines as (

    select * from {{ ref('int_invoice_lines') }}

),

chosen_prices as (

    select * from {{ ref('int_invoice_usage_prices') }}

),

costed as (

    select
        invoice_lines.vendor,
        invoice_lines.invoice_id,
        invoice_lines.invoice_line_id,
        invoice_lines.model,
        invoice_lines.token_class,
        invoice_lines.service_tier,
        invoice_lines.context_token_count,
        invoice_lines.is_batch,
        invoice_lines.currency,
        invoice_lines.amount,
        invoice_lines.quantity,
        invoice_lines.usd_per_unit,
        chosen_prices.billed_usd_per_unit,
        chosen_prices.is_price_met,
        chosen_prices.usd_per_million,
        {{ cents_to_usd('invoice_lines.amount_usd_cents') }} as amount_usd,
        cast(
            invoice_lines.quantity * chosen_prices.usd_per_million as numeric(38, 12)
        ) as book_cost_usd,
        invoice_lines.first_month as month_start
    from invoice_lines
    inner join chosen_prices
        on
            invoice_lines.vendor = chosen_prices.vendor
            and invoice_lines.invoice_id = chosen_prices.invoice_id
            and invoice_lines.invoice_line_id = chosen_prices.invoice_line_id

),

expected as (

    select
        costed.*,
        {{ divide_decimals('book_cost_usd', 12, 'usd_per_unit', 9, 2) }}
            as expected_amount,
        {{ divide_decimals('book_cost_usd', 12, 'billed_usd_per_unit', 9, 2) }}
            as fair_amount
    from costed

),

explained as (

    select
        expected.*,
        case when is_price_met then 0 else amount - fair_amount end
            as price_difference,
        case
            when not is_price_met then fair_amount - expected_amount
            when billed_usd_per_unit <> usd_per_unit then amount - expected_amount
            else 0
        end as fx_difference,
        case
            when
                is_price_met
                and billed_usd_per_unit = usd_per_unit
                and abs(amount - expected_amount) > 0.01
                then amount - expected_amount
            else 0
        end as unexplained_difference
    from expected

),

final as (

    select
        vendor,
        invoice_id,
        invoice_line_id,
        model,
        token_class,
        service_tier,
        currency,
        context_token_count,
        usd_per_million,
        usd_per_unit,
        billed_usd_per_unit,
        quantity,
        amount,
        cast(expected_amount as numeric(38, 9)) as expected_amount,
        cast(price_difference as numeric(38, 9)) as price_difference,
        cast(fx_difference as numeric(38, 9)) as fx_difference,
        cast(amount_usd as numeric(38, 12)) as amount_usd,
        book_cost_usd,
        cast(price_difference * usd_per_unit as numeric(38, 12)) as price_usd,
        cast(fx_difference * usd_per_unit as numeric(38, 12)) as fx_usd,
        cast(unexplained_difference * usd_per_unit as numeric(38, 12))
            as unexplained_usd,
        is_batch,
        is_price_met,
        month_start
    from explained

)

select * from final
