-- One row per vendor and month, as known now: metered, reported and invoiced cost side
-- by side, and why the invoice is not the metered cost. What no rule explains stays
-- unexplained.
with

vendor_months as (

    select * from {{ ref('int_vendor_months') }}

),

variances as (

    select * from {{ ref('int_cost_variances_by_month') }}

),

compared as (

    select
        vendor_months.vendor,
        vendor_months.month_start,
        vendor_months.invoice_count,
        vendor_months.metered_cost_usd,
        vendor_months.vendor_reported_cost_usd,
        vendor_months.invoiced_cost_usd,
        vendor_months.invoiced_cost_usd - vendor_months.metered_cost_usd
            as variance_usd,
        variances.quantity_usd,
        variances.price_usd,
        variances.classification_usd,
        variances.timing_usd,
        variances.credits_usd,
        variances.commitment_usd,
        variances.seats_usd,
        variances.fx_usd,
        variances.tax_usd,
        variances.rounding_usd,
        variances.unexplained_usd,
        greatest(
            cast({{ var('reconciliation_tolerance_usd') }} as numeric(38, 12)),
            cast(
                abs(vendor_months.invoiced_cost_usd)
                * cast({{ var('reconciliation_tolerance_share') }} as numeric(9, 6))
                as numeric(38, 12)
            )
        ) as tolerance_usd,
        vendor_months.is_fully_priced,
        vendor_months.has_facts,
        {{ add_to_date('vendor_months.month_start', 1, 'month') }} as month_end
    from vendor_months
    left join variances
        on
            vendor_months.vendor = variances.vendor
            and vendor_months.month_start = variances.month_start
            -- Without both sides there is nothing to split.
            and vendor_months.invoiced_cost_usd is not null
            and vendor_months.metered_cost_usd is not null

),

final as (

    select
        vendor,
        month_start as period_start,
        invoice_count,
        cast(metered_cost_usd as numeric(38, 12)) as metered_cost_usd,
        cast(vendor_reported_cost_usd as numeric(38, 12)) as vendor_reported_cost_usd,
        cast(invoiced_cost_usd as numeric(38, 12)) as invoiced_cost_usd,
        cast(variance_usd as numeric(38, 12)) as variance_usd,
        quantity_usd as quantity_variance_usd,
        price_usd as price_variance_usd,
        classification_usd as classification_variance_usd,
        timing_usd as timing_variance_usd,
        credits_usd as credits_variance_usd,
        commitment_usd as commitment_variance_usd,
        seats_usd as seats_variance_usd,
        fx_usd as fx_variance_usd,
        tax_usd as tax_variance_usd,
        rounding_usd as rounding_variance_usd,
        unexplained_usd,
        cast(
            case when invoiced_cost_usd is not null then tolerance_usd end
            as numeric(38, 12)
        ) as tolerance_usd,
        case
            when not has_facts then 'nothing_to_match'
            when invoice_count = 0 then 'no_invoice_yet'
            when invoiced_cost_usd is null then 'open'
            when metered_cost_usd is null then 'no_metering'
            when abs(unexplained_usd) > tolerance_usd then 'open'
            when vendor_reported_cost_usd is null then 'no_vendor_report'
            when variance_usd = 0 then 'matched'
            when abs(variance_usd) <= tolerance_usd then 'within_tolerance'
            else 'explained'
        end as status,
        is_fully_priced,
        month_end > {{ as_of() }} as is_partial_period,
        month_end as period_end
    from compared

)

select * from final
