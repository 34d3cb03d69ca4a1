-- One row per pool of cents that is shared out as one: of an invoice, the lines of one
-- month, charge category and article or plan; of a month without an invoice, the
-- accrual. With the driver, the first of its kind that there is.
with

invoice_lines as (

    select * from {{ ref('int_invoice_lines') }}

),

line_months as (

    select * from {{ ref('int_invoice_line_months') }}

),

accruals as (

    select * from {{ ref('int_accruals') }}

),

weights as (

    select * from {{ ref('int_allocation_weights') }}

),

drivers as (

    select distinct
        vendor,
        driver,
        month_start
    from weights

),

charged as (

    select
        line_months.vendor,
        line_months.invoice_id,
        invoice_lines.charge_category,
        case
            when invoice_lines.line_kind in ('usage', 'seat')
                then invoice_lines.line_kind
            else 'other'
        end as line_group,
        case
            when invoice_lines.line_kind = 'usage' and invoice_lines.model is not null
                then
                    'article|' || invoice_lines.model
                    || '|' || invoice_lines.token_class
                    || '|' || invoice_lines.service_tier
                    || case when invoice_lines.is_batch then '|batch' else '' end
            when invoice_lines.line_kind = 'seat'
                then 'plan|' || invoice_lines.plan
        end as own_driver,
        line_months.amount_usd_cents,
        line_months.month_start
    from line_months
    inner join invoice_lines
        on
            line_months.vendor = invoice_lines.vendor
            and line_months.invoice_id = invoice_lines.invoice_id
            and line_months.invoice_line_id = invoice_lines.invoice_line_id

),

pools as (

    select
        'invoice' as pool_source,
        vendor,
        invoice_id,
        charge_category,
        line_group,
        own_driver,
        case
            when count(*) = count(amount_usd_cents) then sum(amount_usd_cents)
        end as amount_usd_cents,
        month_start
    from charged
    group by vendor, invoice_id, charge_category, line_group, own_driver, month_start

    union all

    select
        'accrual' as pool_source,
        vendor,
        cast(null as text) as invoice_id,
        'usage' as charge_category,
        'usage' as line_group,
        cast(null as text) as own_driver,
        amount_usd_cents,
        month_start
    from accruals

),

driven as (

    select
        pools.pool_source,
        pools.vendor,
        pools.invoice_id,
        pools.charge_category,
        pools.line_group,
        case
            when pools.amount_usd_cents is not null
                then coalesce(
                    own_drivers.driver, usage_drivers.driver, seat_drivers.driver
                )
        end as driver,
        pools.amount_usd_cents,
        pools.month_start
    from pools
    left join drivers as own_drivers
        on
            pools.vendor = own_drivers.vendor
            and pools.month_start = own_drivers.month_start
            and pools.own_driver = own_drivers.driver
    left join drivers as usage_drivers
        on
            pools.vendor = usage_drivers.vendor
            and pools.month_start = usage_drivers.month_start
            and usage_drivers.driver = 'usage'
    left join drivers as seat_drivers
        on
            pools.vendor = seat_drivers.vendor
            and pools.month_start = seat_drivers.month_start
            and seat_drivers.driver = 'seats'

),

final as (

    select
        row_number() over (
            order by
                pool_source,
                vendor,
                invoice_id,
                month_start,
                charge_category,
                line_group,
                driver,
                amount_usd_cents
        ) as pool_number,
        pool_source,
        vendor,
        invoice_id,
        charge_category,
        line_group,
        driver,
        cast(amount_usd_cents as numeric(38, 0)) as amount_usd_cents,
        month_start
    from driven

)

select * from final
