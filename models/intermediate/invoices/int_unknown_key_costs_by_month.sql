-- One row per vendor, month, article and price with usage through keys that nobody
-- knows, and what it cost. It is part of int_metered_articles_by_month.
with

usage_records as (

    select * from {{ ref('core_ai_usage') }}

),

unknown_keys as (

    select * from {{ ref('int_unknown_api_keys') }}

),

prices as (

    select * from {{ ref('int_ai_prices_by_day') }}

),

counted as (

    {%- for token_class in [
        'uncached_input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'output'
    ] %}
    select
        usage_records.vendor,
        usage_records.model,
        '{{ token_class }}' as token_class,
        {{ service_tier('usage_records.service_tier') }} as service_tier,
        {{ context_token_count('usage_records.context_window') }}
            as context_token_count,
        cast(usage_records.{{ token_class }}_token_count as numeric(20, 0))
            as token_count,
        {{ is_batch('usage_records.service_tier', 'usage_records.is_batch') }}
            as is_batch,
        cast(usage_records.occurred_at as date) as usage_date
    from usage_records
    inner join unknown_keys
        on
            usage_records.vendor = unknown_keys.vendor
            and usage_records.api_key_id = unknown_keys.api_key_id
    where usage_records.{{ token_class }}_token_count > 0
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

),

priced as (

    select
        counted.vendor,
        counted.model,
        counted.token_class,
        counted.service_tier,
        counted.context_token_count,
        counted.token_count,
        coalesce(prices.contract_usd_per_token, prices.list_usd_per_token)
            as usd_per_token,
        counted.is_batch,
        counted.usage_date
    from counted
    inner join prices
        on
            counted.vendor = prices.vendor
            and counted.model = prices.model
            and counted.token_class = prices.token_class
            and counted.service_tier = prices.service_tier
            and counted.context_token_count = prices.context_token_count
            and counted.is_batch = prices.is_batch
            and counted.usage_date = prices.usage_date

),

final as (

    select
        vendor,
        model,
        token_class,
        service_tier,
        context_token_count,
        cast(usd_per_token * 1000000 as numeric(24, 6)) as usd_per_million,
        cast(sum(token_count * usd_per_token) as numeric(38, 12)) as metered_cost_usd,
        is_batch,
        {{ period_start('month', 'usage_date') }} as month_start
    from priced
    group by
        vendor,
        model,
        token_class,
        service_tier,
        context_token_count,
        usd_per_token,
        is_batch,
        {{ period_start('month', 'usage_date') }}

)

select * from final
