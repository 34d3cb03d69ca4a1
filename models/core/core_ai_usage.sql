-- One row per usage record: a request, or the bucket of a day. Token classes are
-- disjoint.
with

usage_records as (

    select * from {{ union_systems('ai_usage', ['files']) }}

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
    where usage_records.occurred_at < {{ as_of() }}

)

select * from final
