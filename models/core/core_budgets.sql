-- One row per cost centre, month and vendor. A plan may lie ahead of as_of.
with

budgets as (

    select * from {{ union_systems('budgets') }}

),

final as (

    select
        cost_center,
        month,
        vendor,
        currency,
        amount
    from budgets

)

select * from final
