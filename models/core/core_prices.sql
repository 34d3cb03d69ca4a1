-- One row per vendor, model, token class, tier, batch or not, and first day of a
-- contract price. Tiers are read as those of usage are. Of rows for the same, one that
-- names its tier comes first, then one that says whether it is a batch, then the
-- cheapest.
with

prices as (

    select * from {{ union_systems('prices') }}

),

read_prices as (

    select
        vendor,
        model,
        token_class,
        {{ service_tier('service_tier') }} as service_tier,
        usd_per_million,
        {{ is_batch('service_tier', 'is_batch') }} as is_batch,
        service_tier is not null as names_tier,
        is_batch is not null as says_batch,
        valid_from,
        {{ seen('valid_to') }} as valid_to
    from prices
    where valid_from < {{ as_of() }}

),

ranked as (

    select
        read_prices.*,
        row_number() over (
            partition by
                vendor, model, token_class, service_tier, is_batch, valid_from
            order by
                case when names_tier then 1 else 2 end,
                case when says_batch then 1 else 2 end,
                usd_per_million
        ) as preference
    from read_prices

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
