-- One row per vendor and month that no invoice charges for yet: what the vendor says it
-- will bill for the days that as_of has passed whole, else their metered cost.
with

vendor_months as (

    select * from {{ ref('int_vendor_months') }}

),

reported as (

    select * from {{ ref('int_reported_costs_by_month') }}

),

metered as (

    select * from {{ ref('int_metered_costs_by_month') }}

),

final as (

    select
        vendor_months.vendor,
        cast(
            round(
                coalesce(reported.whole_days_cost_usd, metered.whole_days_cost_usd), 2
            ) * 100 as numeric(38, 0)
        ) as amount_usd_cents,
        vendor_months.month_start
    from vendor_months
    left join reported
        on
            vendor_months.vendor = reported.vendor
            and vendor_months.month_start = reported.month_start
    left join metered
        on
            vendor_months.vendor = metered.vendor
            and vendor_months.month_start = metered.month_start
    where
        vendor_months.invoice_count = 0
        and (reported.vendor is not null or metered.vendor is not null)

)

select * from final
