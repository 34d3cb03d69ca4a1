-- One row per usage record: a request, or the bucket of a day. Token classes are
-- disjoint. What a vendor reports of the keys that one's own gateway calls with is left
-- out where the gateway's log is read: it says who asked.
with

usage_records as (

    select * from {{ union_systems('ai_usage') }}

),

covered_api_keys as (

    {% if 'usage_logs' in env_var('VALUEMAXX_SYSTEMS', 'files git').split() -%}
    select * from {{ union_systems('covered_api_keys') }}
    {%- else -%}
    select
        cast(null as text) as vendor,
        cast(null as text) as api_key_id
    {%- endif %}

),

identities as (

    select * from {{ ref('core_identities') }}

),

final as (

    select
        usage_records.usage_id,
        usage_records.vendor,
        usage_records.model,
        coalesce(identities.person_id, usage_records.person_id) as person_id,
        usage_records.api_key_id,
        usage_records.team_id,
        usage_records.tool,
        usage_records.session_id,
        usage_records.service_tier,
        usage_records.context_window,
        usage_records.request_count,
        usage_records.uncached_input_token_count,
        usage_records.cache_read_token_count,
        usage_records.cache_write_5m_token_count,
        usage_records.cache_write_1h_token_count,
        usage_records.output_token_count,
        usage_records.other_unit_quantity,
        usage_records.other_unit_name,
        usage_records.is_batch,
        usage_records.occurred_at
    from usage_records
    left join identities
        on identities.handle_id = usage_records.person_id
    left join covered_api_keys
        on
            covered_api_keys.vendor = usage_records.vendor
            and covered_api_keys.api_key_id = usage_records.api_key_id
            and usage_records.usage_id not like 'usage_logs:%'
    where
        usage_records.occurred_at < {{ as_of() }}
        and covered_api_keys.api_key_id is null

)

select * from final
