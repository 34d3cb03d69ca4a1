-- One row per vendor and key that the gateway calls with: what the vendor's own report
-- says of these keys, the gateway's logs say too.
with

keys as (

    select * from {{ latest(source('usage_logs', 'covered_api_keys')) }}

),

final as (

    select
        vendor,
        api_key_id
    from keys

)

select * from final
