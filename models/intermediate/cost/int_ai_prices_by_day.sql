-- One row per vendor, model, token class, tier, context size, batch or not and day that
-- was used and has a price, with the prices that a cache or a batch is held against. A
-- model that is not in the list under its own id has the prices of the id without its
-- date; one that is has its own alone. Never a loose prefix.
with

usage_by_mix as (

    select * from {{ ref('int_ai_usage_by_team_mix') }}

),

prices as (

    select * from {{ ref('int_ai_prices') }}

),

listed_models as (

    select distinct
        vendor,
        model
    from prices
    where price_type = 'list'

),

-- What a batch would have cost without one is looked up, too.
looked_up as (

    select
        vendor,
        model,
        service_tier,
        context_token_count,
        is_batch,
        1 as was_used,
        usage_date
    from usage_by_mix

    union all

    select
        vendor,
        model,
        service_tier,
        context_token_count,
        false as is_batch,
        0 as was_used,
        usage_date
    from usage_by_mix
    where is_batch

),

used as (

    select
        vendor,
        model,
        service_tier,
        context_token_count,
        is_batch,
        max(was_used) as was_used,
        usage_date
    from looked_up
    group by
        vendor,
        model,
        service_tier,
        context_token_count,
        is_batch,
        usage_date

),

matched as (

    select
        used.vendor,
        used.model,
        case
            when listed_models.model is not null then used.model
            else {{ regex_removed(
                'used.model',
                '([-@]([0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}|latest)|@default)$'
            ) }}
        end as book_model,
        used.service_tier,
        used.context_token_count,
        used.is_batch,
        used.was_used,
        used.usage_date
    from used
    left join listed_models
        on
            used.vendor = listed_models.vendor
            and used.model = listed_models.model

),

-- A contract may name the dated id of a model that the list names without its date.
named as (

    select
        vendor,
        model,
        model as priced_model,
        1 as name_preference,
        service_tier,
        context_token_count,
        is_batch,
        was_used,
        usage_date
    from matched

    union all

    select
        vendor,
        model,
        book_model as priced_model,
        2 as name_preference,
        service_tier,
        context_token_count,
        is_batch,
        was_used,
        usage_date
    from matched
    where book_model <> model

),

ranked as (

    select
        named.vendor,
        named.model,
        prices.token_class,
        named.service_tier,
        prices.price_type,
        prices.price_source,
        named.context_token_count,
        prices.usd_per_token,
        named.is_batch,
        named.was_used,
        named.usage_date,
        row_number() over (
            partition by
                named.vendor,
                named.model,
                prices.token_class,
                named.service_tier,
                prices.price_type,
                named.context_token_count,
                named.is_batch,
                named.usage_date
            order by
                named.name_preference asc,
                prices.min_context_token_count desc,
                prices.valid_from desc
        ) as preference
    from named
    inner join prices
        on
            named.vendor = prices.vendor
            and named.priced_model = prices.model
            and named.service_tier = prices.service_tier
            and named.is_batch = prices.is_batch
            and named.context_token_count >= prices.min_context_token_count
            and named.usage_date >= prices.valid_from
            and named.usage_date < prices.valid_to

),

priced as (

    select
        vendor,
        model,
        token_class,
        service_tier,
        coalesce(
            max(case when price_type = 'contract' then price_source end),
            max(price_source)
        ) as price_source,
        context_token_count,
        cast(
            max(case when price_type = 'list' then usd_per_token end)
            as numeric(18, 12)
        ) as list_usd_per_token,
        cast(
            max(case when price_type = 'contract' then usd_per_token end)
            as numeric(18, 12)
        ) as contract_usd_per_token,
        is_batch,
        was_used,
        usage_date
    from ranked
    where preference = 1
    group by
        vendor,
        model,
        token_class,
        service_tier,
        context_token_count,
        is_batch,
        was_used,
        usage_date

),

compared as (

    select
        priced.*,
        max(
            case
                when token_class = 'uncached_input'
                    then coalesce(contract_usd_per_token, list_usd_per_token)
            end
        ) over (
            partition by
                vendor,
                model,
                service_tier,
                context_token_count,
                is_batch,
                usage_date
        ) as uncached_usd_per_token,
        max(
            case
                when not is_batch
                    then coalesce(contract_usd_per_token, list_usd_per_token)
            end
        ) over (
            partition by
                vendor,
                model,
                token_class,
                service_tier,
                context_token_count,
                usage_date
        ) as unbatched_usd_per_token
    from priced

),

final as (

    select
        vendor,
        model,
        token_class,
        service_tier,
        price_source,
        context_token_count,
        list_usd_per_token,
        contract_usd_per_token,
        uncached_usd_per_token,
        unbatched_usd_per_token,
        is_batch,
        usage_date
    from compared
    where was_used = 1

)

select * from final
