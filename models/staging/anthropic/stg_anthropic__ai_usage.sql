-- One row per day and mix of key, workspace, model, tier, context window, place and
-- speed. Another speed or a chosen place has other prices: it is a tier of its own. The
-- vendor's input is without what a cache held or got: the classes are disjoint as they
-- come. How many requests there were it does not say, nor who asked.
with

records as (

    select * from {{ latest(source('anthropic', 'usage')) }}

),

final as (

    select
        'anthropic:' || usage_id as usage_id,
        'anthropic' as vendor,
        coalesce(lower(model), 'unknown') as model,
        cast(null as text) as person_id,
        api_key_id,
        team_id,
        cast(null as text) as tool,
        cast(null as text) as session_id,
        -- As in fast, us, fast_us or priority_us.
        coalesce(
            nullif(
                concat_ws(
                    '_',
                    case
                        when lower(service_tier) not in ('standard', 'batch')
                            then lower(service_tier)
                    end,
                    case when lower(speed) <> 'standard' then lower(speed) end,
                    case
                        when lower(inference_geo) not in ('global', 'not_available')
                            then lower(inference_geo)
                    end
                ),
                ''
            ),
            'standard'
        ) as service_tier,
        context_window,
        cast(null as bigint) as request_count,
        uncached_input_tokens as uncached_input_token_count,
        cache_read_tokens as cache_read_token_count,
        cache_write_5m_tokens as cache_write_5m_token_count,
        cache_write_1h_tokens as cache_write_1h_token_count,
        output_tokens as output_token_count,
        cast(nullif(web_search_requests, 0) as numeric(28, 9)) as other_unit_quantity,
        case when web_search_requests > 0 then 'web_search' end as other_unit_name,
        coalesce(lower(service_tier) = 'batch', false) as is_batch,
        cast(usage_date as timestamp) as occurred_at
    from records

)

select * from final
