-- A person's stretch adds up to exactly 1 and has one primary team.
select
    person_id,
    valid_from
from {{ ref('int_team_membership_segments') }}
group by person_id, valid_from
having
    sum(share_fraction) <> 1
    or count(case when is_primary then 1 end) <> 1
    or count(distinct valid_to) <> 1
