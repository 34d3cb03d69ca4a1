-- One row per amount that a vendor says it will bill; two alike are two.
with

ai_costs as (

    select * from {{ union_systems('ai_costs') }}

),

final as (

    select
        vendor,
        account_id,
        api_key_id,
        model,
        line_item,
        currency,
        amount,
        cost_date
    from ai_costs
    where cost_date < {{ as_of() }}

)

select * from final
