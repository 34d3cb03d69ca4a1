-- One row per vendor, model, token class, tier, batch or not, and first day of a
-- contract price. Without a tier it is the standard one; a row that names it comes
-- first.
with

prices as (

    select * from {{ union_systems('prices', ['files']) }}

),

ranked as (

    select
        vendor,
        model,
        token_class,
        coalesce(service_tier, 'standard') as service_tier,
        usd_per_million,
        coalesce(is_batch, false) as is_batch,
        valid_from,
        {{ seen('valid_to') }} as valid_to,
        row_number() over (
            partition by
                vendor,
                model,
                token_class,
                coalesce(service_tier, 'standard'),
                coalesce(is_batch, false),
                valid_from
            order by
                case when service_tier is null then 2 else 1 end,
                case when is_batch is null then 2 else 1 end,
                usd_per_million
        ) as preference
    from prices
    where valid_from < {{ as_of() }}

),

final as (

    select
        vendor,
        model,
        token_class,
        service_tier,
        usd_per_million,
        is_batch,
        valid_from,
        valid_to
    from ranked
    where preference = 1

)

select * from final
