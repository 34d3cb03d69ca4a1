-- One row per vendor and model that was used or has a price, list or contract.
with

usage_records as (

    select * from {{ ref('core_ai_usage') }}

),

list_prices as (

    select * from {{ ref('ai_prices') }}

),

contract_prices as (

    select * from {{ ref('core_prices') }}

),

named as (

    select
        vendor,
        model,
        cast(min(occurred_at) as date) as first_used_date,
        cast(max(occurred_at) as date) as last_used_date,
        cast(null as date) as first_priced_date,
        0 as list_price_count,
        0 as contract_price_count
    from usage_records
    group by vendor, model

    union all

    select
        vendor,
        model,
        cast(null as date) as first_used_date,
        cast(null as date) as last_used_date,
        cast(min(valid_from) as date) as first_priced_date,
        count(*) as list_price_count,
        0 as contract_price_count
    from list_prices
    group by vendor, model

    union all

    select
        vendor,
        model,
        cast(null as date) as first_used_date,
        cast(null as date) as last_used_date,
        min(valid_from) as first_priced_date,
        0 as list_price_count,
        count(*) as contract_price_count
    from contract_prices
    group by vendor, model

),

final as (

    select
        vendor,
        model,
        sum(list_price_count) > 0 as has_list_price,
        sum(contract_price_count) > 0 as has_contract_price,
        min(first_used_date) is not null as was_used,
        min(first_priced_date) as first_priced_date,
        min(first_used_date) as first_used_date,
        max(last_used_date) as last_used_date
    from named
    group by vendor, model

)

select * from final
