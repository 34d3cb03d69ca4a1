-- One row as in int_ai_usage_by_token_class, with what it costs at the price of the
-- day: the contract's where one holds, else the list's, and with what its cache or
-- batch saved. Without a price, or one to hold it against, that is null, never 0.
with

usage_by_class as (

    select * from {{ ref('int_ai_usage_by_token_class') }}

),

prices as (

    select * from {{ ref('int_ai_prices_by_day') }}

),

priced as (

    select
        usage_by_class.team_mix_id,
        usage_by_class.vendor,
        usage_by_class.model,
        usage_by_class.token_class,
        usage_by_class.unit_name,
        usage_by_class.service_tier,
        usage_by_class.context_token_count,
        prices.price_source,
        usage_by_class.quantity,
        -- Whole tokens: 20 digits times a price of 18 are 38, every one of them exact.
        case
            when usage_by_class.unit_name = 'token'
                then cast(usage_by_class.quantity as numeric(20, 0))
        end as token_count,
        prices.list_usd_per_token,
        prices.contract_usd_per_token,
        coalesce(prices.contract_usd_per_token, prices.list_usd_per_token)
            as metered_usd_per_token,
        case
            when usage_by_class.token_class like 'cache%'
                then prices.uncached_usd_per_token
        end as uncached_usd_per_token,
        case when usage_by_class.is_batch then prices.unbatched_usd_per_token end
            as unbatched_usd_per_token,
        usage_by_class.is_batch,
        usage_by_class.usage_date
    from usage_by_class
    left join prices
        on
            usage_by_class.vendor = prices.vendor
            and usage_by_class.model = prices.model
            and usage_by_class.token_class = prices.token_class
            and usage_by_class.service_tier = prices.service_tier
            and usage_by_class.context_token_count = prices.context_token_count
            and usage_by_class.is_batch = prices.is_batch
            and usage_by_class.usage_date = prices.usage_date

),

final as (

    select
        team_mix_id,
        vendor,
        model,
        token_class,
        unit_name,
        service_tier,
        context_token_count,
        case
            when metered_usd_per_token is null then 'unpriced'
            when metered_usd_per_token = 0 then 'free'
            when contract_usd_per_token is not null then 'contract'
            else 'priced'
        end as price_status,
        price_source,
        quantity,
        cast(metered_usd_per_token * 1000000 as numeric(24, 6))
            as metered_usd_per_million,
        cast(token_count * list_usd_per_token as numeric(29, 12)) as list_cost_usd,
        cast(
            token_count * metered_usd_per_token as numeric(29, 12)
        ) as metered_cost_usd,
        cast(
            token_count * cast(
                uncached_usd_per_token - metered_usd_per_token as numeric(18, 12)
            ) as numeric(29, 12)
        ) as caching_saved_usd,
        cast(
            token_count * cast(
                unbatched_usd_per_token - metered_usd_per_token as numeric(18, 12)
            ) as numeric(29, 12)
        ) as batch_saved_usd,
        is_batch,
        usage_date
    from priced

)

select * from final
