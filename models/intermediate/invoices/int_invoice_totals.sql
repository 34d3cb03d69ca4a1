-- One row per invoice and currency: what it charges without tax, and at which rate tax
-- is on it: with the fewest decimals at which it comes to the tax that is there.
with

invoice_lines as (

    select * from {{ ref('int_invoice_lines') }}

),

summed as (

    select
        vendor,
        invoice_id,
        currency,
        cast(sum(case when line_kind = 'tax' then 0 else amount end) as numeric(28, 9))
            as net_amount,
        cast(sum(case when line_kind = 'tax' then amount else 0 end) as numeric(28, 9))
            as tax_amount,
        cast(
            sum(case when line_kind = 'credit' then amount else 0 end)
            as numeric(28, 9)
        ) as credit_amount,
        max(usd_per_unit) as usd_per_unit,
        min(invoice_date) as invoice_date,
        min(first_month) as first_month,
        max(last_month) as last_month
    from invoice_lines
    group by vendor, invoice_id, currency

),

divided as (

    select
        summed.*,
        cast(
            {{ divide_decimals('tax_amount', 9, 'net_amount', 9, 2) }} as numeric(20, 6)
        ) as rate_2,
        cast(
            {{ divide_decimals('tax_amount', 9, 'net_amount', 9, 3) }} as numeric(20, 6)
        ) as rate_3,
        cast(
            {{ divide_decimals('tax_amount', 9, 'net_amount', 9, 4) }} as numeric(20, 6)
        ) as rate_4,
        cast(
            {{ divide_decimals('tax_amount', 9, 'net_amount', 9, 6) }} as numeric(20, 6)
        ) as rate_6
    from summed

),

final as (

    select
        vendor,
        invoice_id,
        currency,
        net_amount,
        tax_amount,
        credit_amount,
        cast(
            case
                when net_amount = 0 then 0
                when round(net_amount * rate_2, 2) = tax_amount then rate_2
                when round(net_amount * rate_3, 2) = tax_amount then rate_3
                when round(net_amount * rate_4, 2) = tax_amount then rate_4
                else rate_6
            end as numeric(20, 6)
        ) as tax_rate,
        usd_per_unit,
        invoice_date,
        first_month,
        last_month
    from divided

)

select * from final
