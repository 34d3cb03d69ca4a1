-- One row per vendor and month from its first fact (usage, seat, reported cost or
-- charged period) to that of as_of, with what there is to match.
with

metered as (

    select * from {{ ref('int_metered_costs_by_month') }}

),

reported as (

    select * from {{ ref('int_reported_costs_by_month') }}

),

line_months as (

    select * from {{ ref('int_invoice_line_months') }}

),

seat_months as (

    select * from {{ ref('int_seat_months') }}

),

last_months as (

    select {{ period_start('month', 'max(date_day)') }} as last_month
    from {{ ref('int_days') }}

),

invoiced as (

    select
        vendor,
        month_start,
        count(distinct invoice_id) as invoice_count,
        count(*) = count(amount_usd_cents) as has_rates,
        {{ cents_to_usd('sum(amount_usd_cents)') }} as cost_usd
    from line_months
    group by vendor, month_start

),

held as (

    select distinct
        vendor,
        month_start
    from seat_months

),

facts as (

    select
        vendor,
        month_start,
        true as is_metering
    from metered
    union all
    select
        vendor,
        month_start,
        true as is_metering
    from held
    union all
    select
        vendor,
        month_start,
        false as is_metering
    from reported
    union all
    select
        vendor,
        month_start,
        false as is_metering
    from invoiced

),

vendors as (

    select
        facts.vendor,
        last_months.last_month,
        min(facts.month_start) as first_month,
        min(case when facts.is_metering then facts.month_start end)
            as first_metered_month
    from facts
    cross join last_months
    group by facts.vendor, last_months.last_month

),

numbered as (

    select
        vendor,
        first_month,
        first_metered_month,
        {{ explode_range(
            '0',
            'cast(12 * (extract(year from last_month)'
            ~ ' - extract(year from first_month)) + extract(month from last_month)'
            ~ ' - extract(month from first_month) as integer)'
        ) }} as month_number
    from vendors

),

months as (

    select
        vendor,
        first_metered_month,
        {{ add_to_date('first_month', 'month_number', 'month') }} as month_start
    from numbered

),

final as (

    select
        months.vendor,
        cast(coalesce(invoiced.invoice_count, 0) as bigint) as invoice_count,
        case
            when metered.vendor is not null then metered.cost_usd
            when months.month_start >= months.first_metered_month
                then cast(0 as numeric(38, 12))
        end as metered_cost_usd,
        reported.cost_usd as vendor_reported_cost_usd,
        cast(
            case when invoiced.has_rates then invoiced.cost_usd end as numeric(38, 12)
        ) as invoiced_cost_usd,
        coalesce(metered.is_fully_priced, true) as is_fully_priced,
        metered.vendor is not null
        or held.vendor is not null
        or reported.vendor is not null
        or invoiced.vendor is not null as has_facts,
        months.month_start
    from months
    left join metered
        on
            months.vendor = metered.vendor
            and months.month_start = metered.month_start
    left join reported
        on
            months.vendor = reported.vendor
            and months.month_start = reported.month_start
    left join invoiced
        on
            months.vendor = invoiced.vendor
            and months.month_start = invoiced.month_start
    left join held
        on months.vendor = held.vendor and months.month_start = held.month_start

)

select * from final
