-- One row per vendor, plan, currency and month, with what its seats should cost: price
-- times days, rounded to the cent for each price. Seats without a price expect nothing.
with

seat_months as (

    select * from {{ ref('int_seat_months') }}

),

priced as (

    select
        vendor,
        plan,
        currency,
        month_start,
        {{ divide_decimals(
            'monthly_price_amount * sum(day_count)', 9, 'max(month_day_count)', 0, 2
        ) }} as amount
    from seat_months
    where monthly_price_amount is not null and currency is not null
    group by vendor, plan, currency, month_start, monthly_price_amount

),

final as (

    select
        vendor,
        plan,
        currency,
        cast(sum(amount) as numeric(38, 2)) as amount,
        month_start
    from priced
    group by vendor, plan, currency, month_start

)

select * from final
