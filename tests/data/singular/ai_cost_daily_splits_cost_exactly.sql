{{ config(group='cost') }}
-- Splitting by teams and pooling small ones moves cost, and neither makes nor loses
-- any.
with

unsplit as (

    select
        vendor,
        model,
        token_class,
        usage_date,
        sum(coalesce(list_cost_usd, 0)) as list_cost_usd,
        sum(coalesce(metered_cost_usd, 0)) as metered_cost_usd
    from {{ ref('int_ai_usage_priced') }}
    group by vendor, model, token_class, usage_date

),

published as (

    select
        vendor,
        model,
        token_class,
        usage_date,
        sum(coalesce(list_cost_usd, 0)) as list_cost_usd,
        sum(coalesce(metered_cost_usd, 0)) as metered_cost_usd
    from {{ ref('ai_cost_daily') }}
    group by vendor, model, token_class, usage_date

)

select
    unsplit.vendor,
    unsplit.model,
    unsplit.token_class,
    unsplit.usage_date,
    unsplit.metered_cost_usd,
    published.metered_cost_usd as published_metered_cost_usd
from unsplit
left join published
    on
        unsplit.vendor = published.vendor
        and unsplit.model = published.model
        and unsplit.token_class = published.token_class
        and unsplit.usage_date = published.usage_date
where
    published.usage_date is null
    or unsplit.list_cost_usd <> published.list_cost_usd
    or unsplit.metered_cost_usd <> published.metered_cost_usd
