-- One row per purchase and month that it charges for: the part of the amount that the
-- days of the month are of its period. A period without a day is used in one piece.
with

charges as (

    select * from {{ ref('int_focus_charges') }}
    where is_spread

),

line_months as (

    select * from {{ ref('int_invoice_line_months') }}

),

dated as (

    select
        charges.vendor,
        charges.invoice_id,
        charges.invoice_line_id,
        cast(charges.amount * 1000000000 as numeric(38, 0)) as amount_parts,
        greatest(charges.period_start, line_months.month_start) as used_from,
        least(
            charges.period_end, {{ add_to_date('line_months.month_start', 1, 'month') }}
        ) as used_until,
        line_months.month_start
    from charges
    inner join line_months
        on
            charges.vendor = line_months.vendor
            and charges.invoice_id = line_months.invoice_id
            and charges.invoice_line_id = line_months.invoice_line_id

),

weighed as (

    select
        vendor,
        invoice_id,
        invoice_line_id,
        amount_parts,
        used_from,
        greatest(used_until, used_from) as used_until,
        greatest({{ days_between('used_from', 'used_until') }}, 0) as day_count,
        month_start
    from dated

),

final as (

    select
        vendor,
        invoice_id,
        invoice_line_id,
        cast(part * cast(0.000000001 as numeric(9, 9)) as numeric(28, 9))
            as effective_cost,
        day_count,
        used_from,
        used_until,
        month_start
    from {{ share_out(
        'weighed',
        keep=[
            'vendor', 'invoice_id', 'invoice_line_id', 'day_count', 'used_from',
            'used_until', 'month_start'
        ],
        partition_by=['vendor', 'invoice_id', 'invoice_line_id'],
        units='amount_parts',
        weight='day_count',
        order_by='month_start',
        alias='part'
    ) }}

)

select * from final
