-- Of a person's stretches, none begins before the one before it has ended.
with

stretches as (

    select distinct
        person_id,
        valid_from,
        valid_to
    from {{ ref('int_team_membership_segments') }}

),

ordered as (

    select
        person_id,
        valid_from,
        valid_to,
        lead(valid_from) over (
            partition by person_id order by valid_from
        ) as next_valid_from
    from stretches

)

select
    person_id,
    valid_from,
    valid_to
from ordered
where valid_to > next_valid_from or valid_to <= valid_from
