-- One row per frozen row of the reconciliation.
with

records as (

    select * from {{ latest(source('valuemaxx', 'closed_reconciliation')) }}

),

final as (

    select
        closing_number,
        row_number as closing_row_number,
        vendor,
        period_start,
        restates_period,
        invoice_count,
        cast(metered_cost_usd as numeric(38, 12)) as metered_cost_usd,
        cast(vendor_reported_cost_usd as numeric(38, 12)) as vendor_reported_cost_usd,
        cast(invoiced_cost_usd as numeric(38, 12)) as invoiced_cost_usd,
        cast(variance_usd as numeric(38, 12)) as variance_usd,
        cast(quantity_variance_usd as numeric(38, 12)) as quantity_variance_usd,
        cast(price_variance_usd as numeric(38, 12)) as price_variance_usd,
        cast(classification_variance_usd as numeric(38, 12))
            as classification_variance_usd,
        cast(timing_variance_usd as numeric(38, 12)) as timing_variance_usd,
        cast(credits_variance_usd as numeric(38, 12)) as credits_variance_usd,
        cast(commitment_variance_usd as numeric(38, 12)) as commitment_variance_usd,
        cast(seats_variance_usd as numeric(38, 12)) as seats_variance_usd,
        cast(fx_variance_usd as numeric(38, 12)) as fx_variance_usd,
        cast(tax_variance_usd as numeric(38, 12)) as tax_variance_usd,
        cast(rounding_variance_usd as numeric(38, 12)) as rounding_variance_usd,
        cast(unexplained_usd as numeric(38, 12)) as unexplained_usd,
        cast(tolerance_usd as numeric(38, 12)) as tolerance_usd,
        status,
        is_fully_priced
    from records

)

select * from final
