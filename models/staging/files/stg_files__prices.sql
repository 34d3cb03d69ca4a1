-- One row per vendor, model, token class, tier, batch or not, and first day of a
-- contract price.
with

records as (

    select * from {{ latest(source('files', 'prices')) }}

),

final as (

    select
        lower(vendor) as vendor,
        lower(model) as model,
        token_class,
        lower(service_tier) as service_tier,
        usd_per_million,
        is_batch,
        valid_from,
        valid_to
    from records

)

select * from final
