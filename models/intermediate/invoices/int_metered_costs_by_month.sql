-- One row per vendor and month with usage: what it cost, null where nothing of it has a
-- price. Also of the days that as_of has passed whole.
with

priced as (

    select * from {{ ref('int_ai_usage_priced') }}

),

final as (

    select
        vendor,
        cast(sum(metered_cost_usd) as numeric(38, 12)) as cost_usd,
        cast(
            sum(
                case
                    when usage_date < cast({{ as_of() }} as date) then metered_cost_usd
                end
            ) as numeric(38, 12)
        ) as whole_days_cost_usd,
        count(*) = count(metered_cost_usd) as is_fully_priced,
        {{ period_start('month', 'usage_date') }} as month_start
    from priced
    group by vendor, {{ period_start('month', 'usage_date') }}

)

select * from final
