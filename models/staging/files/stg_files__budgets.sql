-- One row per cost centre, month and vendor; without a vendor it is for all of them.
with

records as (

    select * from {{ latest(source('files', 'budgets')) }}

),

final as (

    select
        cost_center,
        month,
        lower(vendor) as vendor,
        upper(currency) as currency,
        amount
    from records

)

select * from final
