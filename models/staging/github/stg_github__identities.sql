-- One row per login that single sign-on links to a person.
with

records as (

    select * from {{ latest(source('github', 'identities')) }}

),

final as (

    select
        handle_id,
        person_id,
        'github' as system
    from records

)

select * from final
