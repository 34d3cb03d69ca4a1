-- One row per invoice line, and per month of a purchase's use. Only what is invoiced is
-- in it, so that BilledCost is the invoice; names and case are those of FOCUS 1.2.
with

focus_charges as (

    select * from {{ ref('int_focus_charges') }}

),

focus_uses as (

    select * from {{ ref('int_focus_uses') }}

),

charges_and_uses as (

    select
        vendor,
        invoice_id,
        invoice_line_id,
        vendor || '|' || invoice_id || '|' || invoice_line_id as charge_id,
        amount as billed_cost,
        case when is_spread then 0 else amount end as effective_cost,
        list_cost,
        contracted_cost,
        billing_period_start,
        period_start,
        period_end,
        upper(substr(charge_category, 1, 1)) || substr(charge_category, 2)
            as charge_category,
        case when is_restating then 'Correction' end as charge_class,
        charge_description,
        case
            when charge_category = 'usage' then 'Usage-Based'
            when line_kind = 'seat' then 'Recurring'
            else 'One-Time'
        end as charge_frequency,
        consumed_quantity,
        consumed_unit,
        pricing_quantity,
        pricing_unit,
        case
            when line_kind = 'commitment' then 'Committed'
            when charge_category in ('usage', 'purchase') then 'Standard'
        end as pricing_category,
        contracted_unit_price,
        list_unit_price,
        pricing_currency_list_unit_price
    from focus_charges

    union all

    -- A purchase is billed once and used month by month.
    select
        uses.vendor,
        uses.invoice_id,
        uses.invoice_line_id,
        uses.vendor || '|' || uses.invoice_id || '|' || uses.invoice_line_id
        || '|' || substr(cast(uses.month_start as text), 1, 7) as charge_id,
        0 as billed_cost,
        uses.effective_cost,
        0 as list_cost,
        0 as contracted_cost,
        uses.month_start as billing_period_start,
        uses.used_from as period_start,
        uses.used_until as period_end,
        'Usage' as charge_category,
        null as charge_class,
        'use of ' || charges.charge_description as charge_description,
        'Usage-Based' as charge_frequency,
        uses.day_count as consumed_quantity,
        'Days' as consumed_unit,
        uses.day_count as pricing_quantity,
        'Days' as pricing_unit,
        'Standard' as pricing_category,
        0 as contracted_unit_price,
        0 as list_unit_price,
        0 as pricing_currency_list_unit_price
    from focus_uses as uses
    inner join focus_charges as charges
        on
            uses.vendor = charges.vendor
            and uses.invoice_id = charges.invoice_id
            and uses.invoice_line_id = charges.invoice_line_id

),

final as (

    select
        cast(lines.billed_cost as numeric(38, 12)) as "BilledCost",
        cast(lines.effective_cost as numeric(38, 12)) as "EffectiveCost",
        cast(lines.list_cost as numeric(38, 12)) as "ListCost",
        cast(lines.contracted_cost as numeric(38, 12)) as "ContractedCost",
        cast(charges.currency as text) as "BillingCurrency",
        cast(charges.vendor as text) as "BillingAccountId",
        cast(charges.vendor as text) as "BillingAccountName",
        cast(lines.billing_period_start as timestamp) as "BillingPeriodStart",
        cast(
            {{ add_to_date('lines.billing_period_start', 1, 'month') }} as timestamp
        ) as "BillingPeriodEnd",
        cast(lines.period_start as timestamp) as "ChargePeriodStart",
        cast(lines.period_end as timestamp) as "ChargePeriodEnd",
        cast(lines.charge_category as text) as "ChargeCategory",
        cast(lines.charge_class as text) as "ChargeClass",
        cast(lines.charge_description as text) as "ChargeDescription",
        cast(lines.charge_frequency as text) as "ChargeFrequency",
        cast(lines.consumed_quantity as numeric(38, 9)) as "ConsumedQuantity",
        cast(lines.consumed_unit as text) as "ConsumedUnit",
        cast(lines.pricing_quantity as numeric(38, 9)) as "PricingQuantity",
        cast(lines.pricing_unit as text) as "PricingUnit",
        cast(lines.pricing_category as text) as "PricingCategory",
        cast(lines.contracted_unit_price as numeric(38, 12)) as "ContractedUnitPrice",
        cast(lines.list_unit_price as numeric(38, 12)) as "ListUnitPrice",
        cast(charges.pricing_currency as text) as "PricingCurrency",
        cast(lines.effective_cost * charges.pricing_rate as numeric(38, 12))
            as "PricingCurrencyEffectiveCost",
        cast(lines.contracted_unit_price * charges.pricing_rate as numeric(38, 12))
            as "PricingCurrencyContractedUnitPrice",
        cast(lines.pricing_currency_list_unit_price as numeric(38, 12))
            as "PricingCurrencyListUnitPrice",
        cast(charges.invoice_id as text) as "InvoiceId",
        cast(charges.vendor as text) as "InvoiceIssuerName",
        cast(charges.vendor as text) as "ProviderName",
        cast(charges.vendor as text) as "PublisherName",
        cast('AI and Machine Learning' as text) as "ServiceCategory",
        cast('Generative AI' as text) as "ServiceSubcategory",
        cast(coalesce(charges.plan, charges.vendor) as text) as "ServiceName",
        cast(charges.sku_id as text) as "SkuId",
        cast({{ focus_meter('charges.sku_meter') }} as text) as "SkuMeter",
        cast(charges.sku_id as text) as "SkuPriceId",
        cast(null as text) as "CommitmentDiscountCategory",
        cast(null as text) as "CommitmentDiscountId",
        cast(null as text) as "CommitmentDiscountName",
        cast(null as text) as "CommitmentDiscountStatus",
        cast(null as text) as "CommitmentDiscountType",
        cast(null as text) as "RegionId",
        cast(null as text) as "RegionName",
        cast(null as text) as "ResourceId",
        cast(null as text) as "ResourceName",
        cast(null as text) as "ResourceType",
        cast(null as text) as "SubAccountId",
        cast(null as text) as "SubAccountName",
        cast(null as text) as "Tags",
        cast(lines.charge_id as text) as "x_ChargeId",
        cast(charges.invoice_line_id as text) as "x_InvoiceLineId",
        cast(charges.model as text) as "x_Model"
    from charges_and_uses as lines
    inner join focus_charges as charges
        on
            lines.vendor = charges.vendor
            and lines.invoice_id = charges.invoice_id
            and lines.invoice_line_id = charges.invoice_line_id

)

select * from final
