-- One row per currency and day.
with

records as (

    select * from {{ latest(source('files', 'fx_rates')) }}

),

final as (

    select
        upper(currency) as currency,
        rate_date,
        usd_per_unit
    from records

)

select * from final
