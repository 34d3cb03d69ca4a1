-- One row per line of a log's sums: a person's day with a vendor, model, key, team,
-- tool, tier, batch or not and size of prompt. A day is dated by its first moment.
with

usage_days as (

    select * from {{ latest(source('usage_logs', 'usage_days')) }}

),

final as (

    select
        'usage_logs:' || _scope || ':' || cast(line_number as text) as usage_id,
        vendor,
        model,
        person_id,
        api_key_id,
        team_id,
        tool,
        cast(null as text) as session_id,
        coalesce(service_tier, 'standard') as service_tier,
        context_window,
        request_count,
        uncached_input_tokens as uncached_input_token_count,
        cache_read_tokens as cache_read_token_count,
        cache_write_5m_tokens as cache_write_5m_token_count,
        cache_write_1h_tokens as cache_write_1h_token_count,
        output_tokens as output_token_count,
        cast(null as numeric(28, 9)) as other_unit_quantity,
        cast(null as text) as other_unit_name,
        is_batch,
        cast(usage_date as timestamp) as occurred_at
    from usage_days

)

select * from final
