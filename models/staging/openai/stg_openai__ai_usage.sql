-- One row per day, kind of usage and mix of project, user, key, model, tier and batch.
-- The vendor's input includes what a cache held or got: it was split at the door, so
-- the classes are disjoint. Audio has other prices and counts as other units.
with

records as (

    select * from {{ latest(source('openai', 'usage')) }}

),

with_audio as (

    select
        records.*,
        coalesce(audio_input_tokens, 0)
        + coalesce(audio_cache_read_tokens, 0)
        + coalesce(audio_output_tokens, 0) as audio_tokens
    from records

),

final as (

    select
        'openai:' || usage_id as usage_id,
        'openai' as vendor,
        coalesce(lower(model), kind) as model,
        person_id,
        api_key_id,
        team_id,
        cast(null as text) as tool,
        cast(null as text) as session_id,
        coalesce(lower(service_tier), 'standard') as service_tier,
        cast(null as text) as context_window,
        coalesce(requests, 0) as request_count,
        coalesce(uncached_input_tokens, 0) as uncached_input_token_count,
        coalesce(cache_read_tokens, 0) as cache_read_token_count,
        -- The shorter and the longer retention; prices know them by these names.
        coalesce(cache_write_30m_tokens, 0) as cache_write_5m_token_count,
        coalesce(cache_write_12h_tokens, 0) as cache_write_1h_token_count,
        coalesce(output_tokens, 0) as output_token_count,
        case
            when audio_tokens > 0 then cast(audio_tokens as numeric(28, 9))
            else other_units
        end as other_unit_quantity,
        case
            when audio_tokens > 0 then 'audio_token'
            else other_unit_name
        end as other_unit_name,
        coalesce(is_batch, false) as is_batch,
        cast(usage_date as timestamp) as occurred_at
    from with_audio

)

select * from final
