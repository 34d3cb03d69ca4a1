-- One row per vendor, month and model that is metered or billed: what was billed in
-- another amount than metered, and what of it is tokens that stand in another class.
with

articles as (

    select * from {{ ref('int_invoice_articles') }}

),

unnamed as (

    select distinct
        vendor,
        month_start
    from {{ ref('int_invoice_unnamed_usage') }}

),

differences as (

    select
        articles.vendor,
        articles.model,
        articles.month_start,
        articles.billed_quantity - articles.metered_quantity as quantity,
        articles.billed_usd - articles.metered_usd as cost_usd
    from articles
    left join unnamed
        on
            articles.vendor = unnamed.vendor
            and articles.month_start = unnamed.month_start
    where
        articles.is_priced
        and (articles.line_count > 0 or unnamed.vendor is null)

),

summed as (

    select
        vendor,
        model,
        month_start,
        sum(cost_usd) as cost_usd,
        sum(case when quantity > 0 then quantity else 0 end) as surplus,
        sum(case when quantity > 0 then cost_usd else 0 end) as surplus_usd,
        -sum(case when quantity < 0 then quantity else 0 end) as shortfall,
        sum(case when quantity < 0 then cost_usd else 0 end) as shortfall_usd
    from differences
    group by vendor, model, month_start

),

moved as (

    select
        vendor,
        model,
        month_start,
        cost_usd,
        least(surplus, shortfall) as quantity,
        surplus,
        shortfall,
        surplus_usd,
        shortfall_usd,
        {{ divide_decimals('surplus_usd', 12, 'surplus', 9, 9) }} as surplus_price,
        {{ divide_decimals('shortfall_usd', 12, 'shortfall', 9, 9) }}
            as shortfall_price
    from summed

),

classified as (

    select
        vendor,
        model,
        month_start,
        cost_usd,
        case
            when quantity = 0 then 0
            else
                case
                    when surplus = quantity then surplus_usd
                    else cast(
                        cast(quantity as numeric(19, 9))
                        * cast(surplus_price as numeric(19, 9)) as numeric(38, 12)
                    )
                end
                + case
                    when shortfall = quantity then shortfall_usd
                    else cast(
                        cast(quantity as numeric(19, 9))
                        * cast(shortfall_price as numeric(19, 9)) as numeric(38, 12)
                    )
                end
        end as classification_usd
    from moved

),

final as (

    select
        vendor,
        model,
        cast(classification_usd as numeric(38, 12)) as classification_usd,
        cast(cost_usd - classification_usd as numeric(38, 12)) as quantity_usd,
        month_start
    from classified

)

select * from final
