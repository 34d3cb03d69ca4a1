-- One row per price of a token class: list prices of the seed, contract prices of the
-- feed.
with

list_prices as (

    select * from {{ ref('ai_prices') }}

),

contract_prices as (

    select * from {{ ref('core_prices') }}

),

prices as (

    select
        vendor,
        model,
        token_class,
        service_tier,
        'list' as price_type,
        source as price_source,
        min_context_tokens as min_context_token_count,
        cast(usd_per_million as numeric(24, 9)) as usd_per_million,
        is_batch,
        valid_from,
        valid_to
    from list_prices

    union all

    select
        vendor,
        model,
        token_class,
        service_tier,
        'contract' as price_type,
        'contract' as price_source,
        0 as min_context_token_count,
        cast(usd_per_million as numeric(24, 9)) as usd_per_million,
        is_batch,
        valid_from,
        valid_to
    from contract_prices

),

final as (

    select
        vendor,
        model,
        token_class,
        service_tier,
        price_type,
        price_source,
        min_context_token_count,
        cast(usd_per_million * 0.000001 as numeric(18, 12)) as usd_per_token,
        is_batch,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from prices

)

select * from final
