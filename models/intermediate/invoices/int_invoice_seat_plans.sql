-- One row per vendor, month, plan and currency with seats on an invoice, held against
-- what the seats feed says they should cost. What goes beyond is unexplained.
with

invoice_lines as (

    select * from {{ ref('int_invoice_lines') }}

),

expected as (

    select * from {{ ref('int_seat_charges_expected') }}

),

ranked as (

    select
        vendor,
        plan,
        currency,
        amount,
        amount_usd_cents,
        usd_per_unit,
        first_month,
        row_number() over (
            partition by vendor, plan, currency, first_month
            order by invoice_date desc, {{ byte_order('invoice_id') }} desc
        ) as recency
    from invoice_lines
    where
        line_kind = 'seat'
        and not is_restating
        and first_month = last_month
        and usd_per_unit is not null

),

billed as (

    select
        vendor,
        plan,
        currency,
        sum(amount) as amount,
        {{ cents_to_usd('sum(amount_usd_cents)') }} as amount_usd,
        max(case when recency = 1 then usd_per_unit end) as usd_per_unit,
        first_month as month_start
    from ranked
    group by vendor, plan, currency, first_month

),

compared as (

    select
        billed.vendor,
        billed.plan,
        billed.currency,
        billed.amount,
        coalesce(expected.amount, 0) as expected_amount,
        billed.amount_usd,
        cast(
            (billed.amount - coalesce(expected.amount, 0)) * billed.usd_per_unit
            as numeric(38, 12)
        ) as difference_usd,
        abs(billed.amount - coalesce(expected.amount, 0)) <= 0.01 as is_rounding,
        billed.month_start
    from billed
    left join expected
        on
            billed.vendor = expected.vendor
            and billed.plan = expected.plan
            and billed.currency = expected.currency
            and billed.month_start = expected.month_start

),

final as (

    select
        vendor,
        plan,
        currency,
        cast(amount as numeric(38, 9)) as amount,
        cast(expected_amount as numeric(38, 9)) as expected_amount,
        cast(amount_usd - difference_usd as numeric(38, 12)) as seats_usd,
        cast(case when is_rounding then difference_usd else 0 end as numeric(38, 12))
            as rounding_usd,
        cast(case when is_rounding then 0 else difference_usd end as numeric(38, 12))
            as unexplained_usd,
        month_start
    from compared

)

select * from final
