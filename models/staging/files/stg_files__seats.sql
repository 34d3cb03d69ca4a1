-- One row per seat assignment; two alike are two.
with

records as (

    select * from {{ latest(source('files', 'seats')) }}

),

final as (

    select
        lower(vendor) as vendor,
        plan,
        person_id,
        team_id,
        upper(currency) as currency,
        monthly_price as monthly_price_amount,
        assigned_on,
        unassigned_on
    from records

)

select * from final
