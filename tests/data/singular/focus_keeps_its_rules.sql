-- What FOCUS asks of a row beyond the kind of its columns: costs are unit price times
-- quantity, tax has no article, usage and purchases have a price, periods run forwards.
select "x_ChargeId" as charge_id
from {{ ref('focus_cost_and_usage') }}
where
    "ContractedCost" <> cast(
        cast("ContractedUnitPrice" as numeric(28, 9))
        * cast("PricingQuantity" as numeric(28, 9)) as numeric(38, 12)
    )
    or "ListCost" <> cast(
        cast("ListUnitPrice" as numeric(28, 9))
        * cast("PricingQuantity" as numeric(28, 9)) as numeric(38, 12)
    )
    or "ChargePeriodEnd" < "ChargePeriodStart"
    or "BillingPeriodEnd" <= "BillingPeriodStart"
    or ("ChargeCategory" = 'Tax' and "SkuId" is not null)
    or (
        "ChargeCategory" in ('Usage', 'Purchase')
        and (
            "SkuId" is null
            or "SkuMeter" is null
            or "PricingQuantity" is null
            or "PricingUnit" is null
            or "PricingCategory" is null
            or "ContractedUnitPrice" is null
            or "ListUnitPrice" is null
        )
    )
    or ("ChargeCategory" <> 'Usage' and "ConsumedQuantity" is not null)
    or ("ConsumedQuantity" is null) <> ("ConsumedUnit" is null)
    or (
        "ChargeCategory" = 'Purchase'
        and "ChargeClass" is null
        and "EffectiveCost" <> 0
    )
    or ("ChargeCategory" = 'Purchase' and "ChargeFrequency" = 'Usage-Based')
