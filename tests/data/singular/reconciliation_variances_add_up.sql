-- The reasons why an invoice is not the metered cost add up to the difference, exactly.
select
    vendor,
    period_start,
    variance_usd
from {{ ref('cost_reconciliation_as_now_monthly') }}
where
    (
        variance_usd is not null
        and variance_usd
        <> quantity_variance_usd
        + price_variance_usd
        + classification_variance_usd
        + timing_variance_usd
        + credits_variance_usd
        + commitment_variance_usd
        + seats_variance_usd
        + fx_variance_usd
        + tax_variance_usd
        + rounding_variance_usd
        + unexplained_usd
    )
    or (variance_usd is null) <> (unexplained_usd is null)
    or (
        variance_usd is null
        and invoiced_cost_usd is not null
        and metered_cost_usd is not null
    )
