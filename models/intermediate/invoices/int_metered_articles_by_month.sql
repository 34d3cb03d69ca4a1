-- One row per vendor, month, article (model, token class, tier, batch or not, size of
-- context) and price of the day: what was used and what it cost. Without a price both
-- price and cost are null.
with

priced as (

    select * from {{ ref('int_ai_usage_priced') }}

),

final as (

    select
        vendor,
        model,
        token_class,
        service_tier,
        context_token_count,
        metered_usd_per_million as usd_per_million,
        cast(sum(quantity) as numeric(38, 9)) as token_count,
        cast(sum(metered_cost_usd) as numeric(38, 12)) as metered_cost_usd,
        is_batch,
        {{ period_start('month', 'usage_date') }} as month_start
    from priced
    where unit_name = 'token'
    group by
        vendor,
        model,
        token_class,
        service_tier,
        context_token_count,
        metered_usd_per_million,
        is_batch,
        {{ period_start('month', 'usage_date') }}

)

select * from final
