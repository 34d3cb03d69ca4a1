-- One row per frozen row of the reconciliation, also of closings that were taken back.
with

closed_reconciliation as (

    select * from {{ ref('stg_valuemaxx__closed_reconciliation') }}

),

final as (

    select
        closing_number,
        closing_row_number,
        vendor,
        period_start,
        restates_period,
        invoice_count,
        metered_cost_usd,
        vendor_reported_cost_usd,
        invoiced_cost_usd,
        variance_usd,
        quantity_variance_usd,
        price_variance_usd,
        classification_variance_usd,
        timing_variance_usd,
        credits_variance_usd,
        commitment_variance_usd,
        seats_variance_usd,
        fx_variance_usd,
        tax_variance_usd,
        rounding_variance_usd,
        unexplained_usd,
        tolerance_usd,
        status,
        is_fully_priced
    from closed_reconciliation

)

select * from final
