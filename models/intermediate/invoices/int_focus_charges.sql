-- One row per invoice line, as FOCUS counts and prices a charge. What states a quantity
-- and a unit price is priced by them; other usage and purchases are one charge at their
-- amount.
with

invoice_lines as (

    select * from {{ ref('int_invoice_lines') }}

),

list_prices as (

    select * from {{ ref('int_focus_list_prices') }}

),

billed as (

    select
        vendor,
        invoice_id,
        max({{ period_start('month', 'period_start') }}) as billing_period_start
    from invoice_lines
    group by vendor, invoice_id

),

priced as (

    select
        invoice_lines.*,
        invoice_lines.charge_category in ('usage', 'purchase') as has_price,
        invoice_lines.charge_category in ('usage', 'purchase')
        and coalesce(abs(invoice_lines.quantity) < 1000000000, false)
        and coalesce(abs(invoice_lines.unit_price) < 1000000000, false) as states_price,
        coalesce(invoice_lines.usd_per_unit, cast(1 as numeric(28, 9)))
            as pricing_rate,
        list_prices.list_usd_per_million,
        {{ divide_decimals(
            'list_prices.list_usd_per_million', 6, 'invoice_lines.usd_per_unit', 9, 9
        ) }} as list_unit_price,
        billed.billing_period_start
    from invoice_lines
    inner join billed
        on
            invoice_lines.vendor = billed.vendor
            and invoice_lines.invoice_id = billed.invoice_id
    left join list_prices
        on
            invoice_lines.vendor = list_prices.vendor
            and invoice_lines.invoice_id = list_prices.invoice_id
            and invoice_lines.invoice_line_id = list_prices.invoice_line_id

),

measured as (

    select
        priced.*,
        states_price and coalesce(list_unit_price < 1000000000, false) as is_listed,
        cast(
            case when states_price then quantity when has_price then 1 end
            as numeric(28, 9)
        ) as pricing_quantity,
        cast(
            case when states_price then unit_price when has_price then amount end
            as numeric(28, 9)
        ) as contracted_unit_price
    from priced

),

final as (

    select
        vendor,
        invoice_id,
        invoice_line_id,
        charge_category,
        line_kind,
        model,
        -- A credit may be written under the name of a plan, too.
        case when line_kind = 'seat' then plan end as plan,
        case
            when charge_category <> 'tax' then coalesce(sku, line_kind)
        end as sku_id,
        case
            when charge_category = 'tax' then null
            when model is not null then token_class
            when line_kind = 'seat' then 'seat'
            else 'charge'
        end as sku_meter,
        line_kind || coalesce(', ' || lower(sku), '') as charge_description,
        case
            when not has_price then null
            when not states_price then 'Charges'
            when model is not null then '1000000 Tokens'
            when line_kind = 'seat' then 'Seats'
            else 'Units'
        end as pricing_unit,
        case
            when charge_category = 'usage' and quantity is not null
                then case when model is not null then 'Tokens' else 'Units' end
        end as consumed_unit,
        currency,
        case when usd_per_unit is null then currency else 'USD' end as pricing_currency,
        amount,
        pricing_rate,
        pricing_quantity,
        contracted_unit_price,
        cast(
            case when is_listed then list_unit_price else contracted_unit_price end
            as numeric(28, 9)
        ) as list_unit_price,
        cast(
            case
                when states_price
                    then
                        cast(quantity as numeric(18, 9))
                        * cast(contracted_unit_price as numeric(18, 9))
                else amount
            end as numeric(38, 12)
        ) as contracted_cost,
        cast(
            case
                when states_price
                    then
                        cast(quantity as numeric(18, 9))
                        * cast(
                            case
                                when is_listed then list_unit_price
                                else contracted_unit_price
                            end as numeric(18, 9)
                        )
                else amount
            end as numeric(38, 12)
        ) as list_cost,
        cast(
            case
                when is_listed then list_usd_per_million
                else contracted_unit_price * pricing_rate
            end as numeric(38, 12)
        ) as pricing_currency_list_unit_price,
        cast(
            case
                when charge_category = 'usage'
                    then
                        cast(quantity as numeric(28, 9))
                        * case when model is not null then 1000000 else 1 end
            end as numeric(38, 9)
        ) as consumed_quantity,
        is_restating,
        charge_category = 'purchase' and not is_restating as is_spread,
        period_start,
        period_end,
        billing_period_start
    from measured

)

select * from final
