-- One row per vendor and month: metered, reported and invoiced cost side by side, and
-- why the invoice is not the metered cost. What no rule explains stays unexplained.
{% set reasons = [
    'quantity', 'price', 'classification', 'timing', 'credits', 'commitment', 'seats',
    'fx', 'tax', 'rounding', 'unexplained',
] %}
with

vendor_months as (

    select * from {{ ref('int_vendor_months') }}

),

variances as (

    select * from {{ ref('int_cost_variances') }}

),

split as (

    select
        vendor,
        month_start,
        {%- for reason in reasons %}
        sum(case when reason = '{{ reason }}' then amount_usd else 0 end)
            as {{ reason }}_usd{{ ',' if not loop.last }}
        {%- endfor %}
    from variances
    group by vendor, month_start

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
        {%- for reason in reasons %}
        case
            when
                vendor_months.invoiced_cost_usd is not null
                and vendor_months.metered_cost_usd is not null
                then coalesce(split.{{ reason }}_usd, 0)
        end as {{ reason }}_usd,
        {%- endfor %}
        greatest(
            cast({{ var('reconciliation_tolerance_usd') }} as numeric(38, 12)),
            cast(
                abs(vendor_months.invoiced_cost_usd)
                * cast({{ var('reconciliation_tolerance_share') }} as numeric(9, 6))
                as numeric(38, 12)
            )
        ) as tolerance_usd,
        vendor_months.is_fully_priced,
        vendor_months.has_facts
    from vendor_months
    left join split
        on
            vendor_months.vendor = split.vendor
            and vendor_months.month_start = split.month_start

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
        {%- for reason in reasons if reason != 'unexplained' %}
        cast({{ reason }}_usd as numeric(38, 12)) as {{ reason }}_variance_usd,
        {%- endfor %}
        cast(unexplained_usd as numeric(38, 12)) as unexplained_usd,
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
        'open' as close_status,
        is_fully_priced,
        {{ add_to_date('month_start', 1, 'month') }} > {{ as_of() }}
            as is_partial_period,
        {{ add_to_date('month_start', 1, 'month') }} as period_end
    from compared

)

select * from final
