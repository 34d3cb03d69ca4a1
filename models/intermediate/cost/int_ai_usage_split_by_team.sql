-- One row of int_ai_usage_priced per team of its mix: quantity and money by the shares.
-- Teams of any size stand here; who is too small to be shown is for the marts. Not
-- added up, as whatever reads it adds up anyway.
with

priced as (

    select * from {{ ref('int_ai_usage_priced') }}

),

shares as (

    select * from {{ ref('int_team_mix_shares') }}

),

final as (

    select
        shares.team_id,
        priced.vendor,
        priced.model,
        priced.token_class,
        priced.unit_name,
        priced.service_tier,
        priced.price_status,
        priced.price_source,
        {%- for amount in [
            'quantity', 'list_cost_usd', 'metered_cost_usd', 'caching_saved_usd',
            'batch_saved_usd'
        ] %}
        cast(
            cast(priced.{{ amount }} * shares.share_to as numeric(38, 12))
            - cast(priced.{{ amount }} * shares.share_from as numeric(38, 12))
            as numeric(38, 12)
        ) as {{ amount }},
        {%- endfor %}
        priced.is_batch,
        priced.usage_date
    from priced
    inner join shares
        on priced.team_mix_id = shares.team_mix_id

)

select * from final
