-- One row in all: the newest closed month and the month after it. Without any, months
-- before all others.
with

months_closed as (

    select * from {{ ref('int_months_closed') }}

),

newest as (

    select
        coalesce(
            max(case when close_status = 'closed' then month_start end),
            cast('0001-01-01' as date)
        ) as closed_through
    from months_closed

),

final as (

    select
        closed_through,
        {{ add_to_date('closed_through', 1, 'month') }} as first_open_month
    from newest

)

select * from final
