-- One row per currency and stretch of days with one rate: the feed's last one above 0.
-- A US dollar is one at any time.
with

fx_rates as (

    select * from {{ ref('core_fx_rates') }}

),

quoted as (

    select
        currency,
        usd_per_unit,
        rate_date as valid_from,
        lead(rate_date) over (partition by currency order by rate_date) as valid_to
    from fx_rates
    where usd_per_unit > 0 and currency <> 'USD'

),

final as (

    select
        currency,
        'fx_rates' as rate_source,
        cast(usd_per_unit as numeric(28, 9)) as usd_per_unit,
        valid_from as rate_date,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from quoted

    union all

    select
        'USD' as currency,
        'none needed' as rate_source,
        cast(1 as numeric(28, 9)) as usd_per_unit,
        cast(null as date) as rate_date,
        cast('0001-01-01' as date) as valid_from,
        cast('9999-12-31' as date) as valid_to

)

select * from final
