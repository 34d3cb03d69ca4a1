-- One row per frozen row of the reconciliation whose closing stands.
with

frozen as (

    select * from {{ ref('core_closed_reconciliation') }}

),

months_closed as (

    select * from {{ ref('int_months_closed') }}

),

final as (

    select
        frozen.closing_number,
        frozen.closing_row_number,
        frozen.vendor,
        frozen.period_start,
        frozen.restates_period,
        frozen.invoice_count,
        frozen.metered_cost_usd,
        frozen.vendor_reported_cost_usd,
        frozen.invoiced_cost_usd,
        frozen.variance_usd,
        frozen.quantity_variance_usd,
        frozen.price_variance_usd,
        frozen.classification_variance_usd,
        frozen.timing_variance_usd,
        frozen.credits_variance_usd,
        frozen.commitment_variance_usd,
        frozen.seats_variance_usd,
        frozen.fx_variance_usd,
        frozen.tax_variance_usd,
        frozen.rounding_variance_usd,
        frozen.unexplained_usd,
        frozen.tolerance_usd,
        frozen.status,
        frozen.is_fully_priced,
        coalesce(frozen.restates_period, frozen.period_start) as charged_month
    from frozen
    inner join months_closed
        on
            frozen.closing_number = months_closed.closing_number
            and frozen.period_start = months_closed.month_start
    where months_closed.close_status = 'closed'

)

select * from final
