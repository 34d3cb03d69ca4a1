-- One row per item of the bill; two alike are two. The reports by model repeat what the
-- bill has: they count only for a month in which the bill has nothing of their kind.
with

records as (

    select * from {{ latest(source('copilot', 'billing_items')) }}

),

billed as (

    select
        _scope,
        month,
        meter
    from records
    where report = 'usage'
    group by _scope, month, meter

),

final as (

    select
        'github' as vendor,
        cast(null as text) as account_id,
        cast(null as text) as api_key_id,
        lower(records.model) as model,
        records.sku || ', ' || records.unit as line_item,
        'USD' as currency,
        records.net_amount as amount,
        coalesce(records.usage_date, records.month) as cost_date
    from records
    left join billed
        on
            records._scope = billed._scope
            and records.month = billed.month
            and records.meter = billed.meter
    where records.report = 'usage' or billed.meter is null

)

select * from final
