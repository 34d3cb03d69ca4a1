-- One row per usage record: a request, or the bucket of a day. What is missing is one
-- request of the standard tier, no batch, no tokens.
with

records as (

    select * from {{ latest(source('files', 'ai_usage')) }}

),

final as (

    select
        'files:' || usage_id as usage_id,
        lower(vendor) as vendor,
        lower(model) as model,
        person_id,
        api_key_id,
        team_id,
        tool,
        session_id,
        coalesce(lower(service_tier), 'standard') as service_tier,
        context_window,
        coalesce(request_count, 1) as request_count,
        coalesce(uncached_input_tokens, 0) as uncached_input_token_count,
        coalesce(cache_read_tokens, 0) as cache_read_token_count,
        coalesce(cache_write_5m_tokens, 0) as cache_write_5m_token_count,
        coalesce(cache_write_1h_tokens, 0) as cache_write_1h_token_count,
        coalesce(output_tokens, 0) as output_token_count,
        other_units as other_unit_quantity,
        other_unit_name,
        coalesce(is_batch, false) as is_batch,
        occurred_at
    from records

)

select * from final
