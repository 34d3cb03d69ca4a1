-- One row per day, workspace and line that will be billed, in whole units of its
-- currency. What the priority tier costs is not here: the vendor leaves it out.
with

records as (

    select * from {{ latest(source('anthropic', 'costs')) }}

),

final as (

    select
        'anthropic' as vendor,
        workspace_id as account_id,
        cast(null as text) as api_key_id,
        lower(model) as model,
        description as line_item,
        upper(currency) as currency,
        amount,
        cost_date
    from records

)

select * from final
