-- One row per item of a billing report; two alike are two. A plan that is all discount
-- has net 0 and gross above: what was used is the gross, what is billed the net.
with

records as (

    select * from {{ latest(source('copilot', 'billing_items')) }}

),

final as (

    select
        report,
        organization,
        product,
        sku,
        meter,
        lower(model) as model,
        unit as unit_name,
        unit_price as unit_price_usd,
        gross_quantity,
        discount_quantity,
        net_quantity,
        gross_amount as gross_amount_usd,
        discount_amount as discount_amount_usd,
        net_amount as net_amount_usd,
        month as month_start,
        usage_date
    from records

)

select * from final
