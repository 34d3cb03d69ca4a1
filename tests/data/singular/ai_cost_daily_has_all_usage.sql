-- What the lines hold together is what was used, to the last token, whoever the teams
-- are.
with

used as (

    select
        vendor,
        model,
        cast(occurred_at as date) as usage_date,
        sum(
            uncached_input_token_count
            + cache_read_token_count
            + cache_write_5m_token_count
            + cache_write_1h_token_count
            + output_token_count
        ) as token_count,
        sum(coalesce(other_unit_quantity, 0)) as other_unit_count
    from {{ ref('core_ai_usage') }}
    group by vendor, model, cast(occurred_at as date)

),

published as (

    select
        vendor,
        model,
        usage_date,
        sum(case when unit_name = 'token' then quantity else 0 end) as token_count,
        sum(case when unit_name <> 'token' then quantity else 0 end) as other_unit_count
    from {{ ref('ai_cost_daily') }}
    group by vendor, model, usage_date

)

select
    used.vendor,
    used.model,
    used.usage_date,
    used.token_count,
    published.token_count as published_token_count,
    used.other_unit_count,
    published.other_unit_count as published_other_unit_count
from used
left join published
    on
        used.vendor = published.vendor
        and used.model = published.model
        and used.usage_date = published.usage_date
where
    used.token_count <> coalesce(published.token_count, 0)
    or used.other_unit_count <> coalesce(published.other_unit_count, 0)
