-- One row per invoice line and month that it charges for: whole cents by the days in
-- each. A period without a day belongs to the month of its start.
with

invoice_lines as (

    select * from {{ ref('int_invoice_lines') }}

),

numbered as (

    select
        vendor,
        invoice_id,
        invoice_line_id,
        amount_usd_cents,
        period_start,
        period_end,
        first_month,
        {{ explode_range(
            '0',
            'cast(12 * (extract(year from last_month)'
            ~ ' - extract(year from first_month)) + extract(month from last_month)'
            ~ ' - extract(month from first_month) as integer)'
        ) }} as month_number
    from invoice_lines

),

months as (

    select
        vendor,
        invoice_id,
        invoice_line_id,
        amount_usd_cents,
        period_start,
        period_end,
        {{ add_to_date('first_month', 'month_number', 'month') }} as month_start,
        {{ add_to_date('first_month', 'month_number + 1', 'month') }} as month_end
    from numbered

),

weighed as (

    select
        vendor,
        invoice_id,
        invoice_line_id,
        amount_usd_cents,
        month_start,
        greatest({{ days_between(
            'greatest(period_start, month_start)', 'least(period_end, month_end)'
        ) }}, 0) as day_count
    from months

),

final as (

    select
        vendor,
        invoice_id,
        invoice_line_id,
        month_cents as amount_usd_cents,
        month_start
    from {{ share_out(
        'weighed',
        keep=['vendor', 'invoice_id', 'invoice_line_id', 'month_start'],
        partition_by=['vendor', 'invoice_id', 'invoice_line_id'],
        units='amount_usd_cents',
        weight='day_count',
        order_by='month_start',
        alias='month_cents'
    ) }}

)

select * from final
