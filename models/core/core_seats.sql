-- One row per seat assignment; two alike are two.
with

seats as (

    select * from {{ union_systems('seats') }}

),

identities as (

    select * from {{ ref('core_identities') }}

),

final as (

    select
        seats.vendor,
        seats.plan,
        coalesce(identities.person_id, seats.person_id) as person_id,
        seats.team_id,
        seats.currency,
        seats.monthly_price_amount,
        seats.assigned_on,
        {{ seen('seats.unassigned_on') }} as unassigned_on
    from seats
    left join identities
        on identities.handle_id = seats.person_id
    where seats.assigned_on < {{ as_of() }}

)

select * from final
