-- One row per invoice line, and per month of a purchase's use. Only what is invoiced is
-- in it, so that BilledCost is the invoice; names and case are those of FOCUS 1.2.
with

focus_charges as (

    select * from {{ ref('int_focus_charges') }}

),

focus_uses as (

    select * from {{ ref('int_focus_uses') }}

),

final as (

    select
        cast(charges.amount as numeric(38, 12)) as "BilledCost",
        cast(
            case when charges.is_spread then 0 else charges.amount end as numeric(
                38, 12
            )
        ) as "EffectiveCost",
        cast(charges.list_cost as numeric(38, 12)) as "ListCost",
        cast(charges.contracted_cost as numeric(38, 12)) as "ContractedCost",
        cast(charges.currency as text) as "BillingCurrency",
        cast(charges.vendor as text) as "BillingAccountId",
        cast(charges.vendor as text) as "BillingAccountName",
        cast(charges.billing_period_start as timestamp) as "BillingPeriodStart",
        cast(
            {{ add_to_date('charges.billing_period_start', 1, 'month') }}
            as timestamp
        ) as "BillingPeriodEnd",
        cast(charges.period_start as timestamp) as "ChargePeriodStart",
        cast(charges.period_end as timestamp) as "ChargePeriodEnd",
        cast(
            upper(substr(charges.charge_category, 1, 1))
            || substr(charges.charge_category, 2) as text
        ) as "ChargeCategory",
        cast(
            case when charges.is_restating then 'Correction' end as text
        ) as "ChargeClass",
        cast(charges.charge_description as text) as "ChargeDescription",
        cast(
            case
                when charges.charge_category = 'usage' then 'Usage-Based'
                when charges.line_kind = 'seat' then 'Recurring'
                else 'One-Time'
            end as text
        ) as "ChargeFrequency",
        cast(charges.consumed_quantity as numeric(38, 9)) as "ConsumedQuantity",
        cast(charges.consumed_unit as text) as "ConsumedUnit",
        cast(charges.pricing_quantity as numeric(38, 9)) as "PricingQuantity",
        cast(charges.pricing_unit as text) as "PricingUnit",
        cast(
            case
                when charges.line_kind = 'commitment' then 'Committed'
                when charges.charge_category in ('usage', 'purchase') then 'Standard'
            end as text
        ) as "PricingCategory",
        cast(charges.contracted_unit_price as numeric(38, 12)) as "ContractedUnitPrice",
        cast(charges.list_unit_price as numeric(38, 12)) as "ListUnitPrice",
        cast(charges.pricing_currency as text) as "PricingCurrency",
        cast(
            case when charges.is_spread then 0 else charges.amount end
            * charges.pricing_rate as numeric(38, 12)
        ) as "PricingCurrencyEffectiveCost",
        cast(
            charges.contracted_unit_price * charges.pricing_rate as numeric(38, 12)
        ) as "PricingCurrencyContractedUnitPrice",
        cast(charges.pricing_currency_list_unit_price as numeric(38, 12))
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
        cast(
            charges.vendor || '|' || charges.invoice_id
            || '|' || charges.invoice_line_id as text
        ) as "x_ChargeId",
        cast(charges.invoice_line_id as text) as "x_InvoiceLineId",
        cast(charges.model as text) as "x_Model"
    from focus_charges as charges

    union all

    select
        cast(0 as numeric(38, 12)) as "BilledCost",
        cast(uses.effective_cost as numeric(38, 12)) as "EffectiveCost",
        cast(0 as numeric(38, 12)) as "ListCost",
        cast(0 as numeric(38, 12)) as "ContractedCost",
        cast(charges.currency as text) as "BillingCurrency",
        cast(charges.vendor as text) as "BillingAccountId",
        cast(charges.vendor as text) as "BillingAccountName",
        cast(uses.month_start as timestamp) as "BillingPeriodStart",
        cast(
            {{ add_to_date('uses.month_start', 1, 'month') }} as timestamp
        ) as "BillingPeriodEnd",
        cast(uses.used_from as timestamp) as "ChargePeriodStart",
        cast(uses.used_until as timestamp) as "ChargePeriodEnd",
        cast('Usage' as text) as "ChargeCategory",
        cast(null as text) as "ChargeClass",
        cast('use of ' || charges.charge_description as text) as "ChargeDescription",
        cast('Usage-Based' as text) as "ChargeFrequency",
        cast(uses.day_count as numeric(38, 9)) as "ConsumedQuantity",
        cast('Days' as text) as "ConsumedUnit",
        cast(uses.day_count as numeric(38, 9)) as "PricingQuantity",
        cast('Days' as text) as "PricingUnit",
        cast('Standard' as text) as "PricingCategory",
        cast(0 as numeric(38, 12)) as "ContractedUnitPrice",
        cast(0 as numeric(38, 12)) as "ListUnitPrice",
        cast(charges.pricing_currency as text) as "PricingCurrency",
        cast(uses.effective_cost * charges.pricing_rate as numeric(38, 12))
            as "PricingCurrencyEffectiveCost",
        cast(0 as numeric(38, 12)) as "PricingCurrencyContractedUnitPrice",
        cast(0 as numeric(38, 12)) as "PricingCurrencyListUnitPrice",
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
        cast(
            charges.vendor || '|' || charges.invoice_id
            || '|' || charges.invoice_line_id
            || '|' || substr(cast(uses.month_start as text), 1, 7) as text
        ) as "x_ChargeId",
        cast(charges.invoice_line_id as text) as "x_InvoiceLineId",
        cast(charges.model as text) as "x_Model"
    from focus_uses as uses
    inner join focus_charges as charges
        on
            uses.vendor = charges.vendor
            and uses.invoice_id = charges.invoice_id
            and uses.invoice_line_id = charges.invoice_line_id

)

select * from final
