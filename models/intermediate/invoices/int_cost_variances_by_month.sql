-- One row per vendor and month with an invoice or metered usage, a column per reason
-- why the invoice is not the metered cost.
with

variances as (

    select * from {{ ref('int_cost_variances') }}

),

final as (

    select
        vendor,
        cast(
            sum(case when reason = 'quantity' then amount_usd else 0 end)
            as numeric(38, 12)
        ) as quantity_usd,
        cast(
            sum(case when reason = 'price' then amount_usd else 0 end)
            as numeric(38, 12)
        ) as price_usd,
        cast(
            sum(case when reason = 'classification' then amount_usd else 0 end)
            as numeric(38, 12)
        ) as classification_usd,
        cast(
            sum(case when reason = 'timing' then amount_usd else 0 end)
            as numeric(38, 12)
        ) as timing_usd,
        cast(
            sum(case when reason = 'credits' then amount_usd else 0 end)
            as numeric(38, 12)
        ) as credits_usd,
        cast(
            sum(case when reason = 'commitment' then amount_usd else 0 end)
            as numeric(38, 12)
        ) as commitment_usd,
        cast(
            sum(case when reason = 'seats' then amount_usd else 0 end)
            as numeric(38, 12)
        ) as seats_usd,
        cast(
            sum(case when reason = 'fx' then amount_usd else 0 end)
            as numeric(38, 12)
        ) as fx_usd,
        cast(
            sum(case when reason = 'tax' then amount_usd else 0 end)
            as numeric(38, 12)
        ) as tax_usd,
        cast(
            sum(case when reason = 'rounding' then amount_usd else 0 end)
            as numeric(38, 12)
        ) as rounding_usd,
        cast(
            sum(case when reason = 'unexplained' then amount_usd else 0 end)
            as numeric(38, 12)
        ) as unexplained_usd,
        month_start
    from variances
    group by vendor, month_start

)

select * from final
