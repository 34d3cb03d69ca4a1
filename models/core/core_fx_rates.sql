-- One row per currency and day.
with

fx_rates as (

    select * from {{ union_systems('fx_rates') }}

),

final as (

    select
        currency,
        rate_date,
        usd_per_unit
    from fx_rates
    where rate_date < {{ as_of() }}

)

select * from final
