-- One row per handle. A handle that two rows give to two people belongs to the smaller
-- id.
with

identities as (

    select * from {{ union_systems('identities') }}

),

final as (

    select
        handle_id,
        min(person_id) as person_id
    from identities
    group by handle_id

)

select * from final
