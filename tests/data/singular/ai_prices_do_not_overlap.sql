-- A list price ends before the next one of the same thing begins, and after it began
-- itself.
with

prices as (

    select
        vendor,
        model,
        token_class,
        service_tier,
        is_batch,
        min_context_tokens,
        usd_per_million,
        valid_from,
        valid_to,
        lead(valid_from) over (
            partition by
                vendor,
                model,
                token_class,
                service_tier,
                is_batch,
                min_context_tokens
            order by valid_from
        ) as next_valid_from
    from {{ ref('ai_prices') }}

)

select * from prices
where
    valid_to <= valid_from
    or next_valid_from < coalesce(valid_to, cast('9999-12-31' as date))
    or usd_per_million < 0
