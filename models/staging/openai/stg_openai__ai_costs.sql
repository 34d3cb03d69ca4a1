-- One row per day, project, key and line that will be billed. The model is the one that
-- the line names; a line may name none.
with

records as (

    select * from {{ latest(source('openai', 'costs')) }}

),

final as (

    select
        'openai' as vendor,
        project_id as account_id,
        api_key_id,
        lower(model) as model,
        line_item,
        upper(currency) as currency,
        amount,
        cost_date
    from records

)

select * from final
