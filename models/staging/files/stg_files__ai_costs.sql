-- One row per amount that a vendor says it will bill; two alike are two.
with

records as (

    select * from {{ latest(source('files', 'ai_costs')) }}

),

final as (

    select
        lower(vendor) as vendor,
        account_id,
        api_key_id,
        lower(model) as model,
        line_item,
        upper(currency) as currency,
        amount,
        cost_date
    from records

)

select * from final
