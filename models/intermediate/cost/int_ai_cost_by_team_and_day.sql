-- One row per team, vendor, model, token class, unit, tier, price, batch or not, and day: usage
-- split by the shares of its people's teams. No team is too small here; that is for the marts.
with

priced as (

    select * from {{ ref('int_ai_usage_priced') }}

),

shares as (

    select * from {{ ref('int_team_mix_shares') }}

),

split as (

    select
        shares.team_id,
        priced.vendor,
        priced.model,
        priced.token_class,
        priced.unit_name,
        priced.service_tier,
        priced.price_status,
        priced.price_source,
        cast(priced.quantity * shares.share_to as numeric(38, 12))
        - cast(priced.quantity * shares.share_from as numeric(38, 12)) as quantity,
        cast(priced.list_cost_usd * shares.share_to as numeric(38, 12))
        - cast(priced.list_cost_usd * shares.share_from as numeric(38, 12))
            as list_cost_usd,
        cast(priced.metered_cost_usd * shares.share_to as numeric(38, 12))
        - cast(priced.metered_cost_usd * shares.share_from as numeric(38, 12))
            as metered_cost_usd,
        priced.is_batch,
        priced.usage_date
    from priced
    inner join shares
        on priced.team_mix_id = shares.team_mix_id

),

final as (

    select
        team_id,
        vendor,
        model,
        token_class,
        unit_name,
        service_tier,
        price_status,
        price_source,
        cast(sum(quantity) as numeric(38, 12)) as quantity,
        cast(sum(list_cost_usd) as numeric(38, 12)) as list_cost_usd,
        cast(sum(metered_cost_usd) as numeric(38, 12)) as metered_cost_usd,
        is_batch,
        usage_date
    from split
    group by
        team_id,
        vendor,
        model,
        token_class,
        unit_name,
        service_tier,
        price_status,
        price_source,
        is_batch,
        usage_date

)

select * from final
