-- One row per person and stretch of days, with the mix of teams (which, in what shares)
-- that the person's usage is split by. People with the same mix have the same id, so
-- that usage can be added up per mix before anything is split.
with

segments as (

    select * from {{ ref('int_team_membership_segments') }}

),

final as (

    select
        person_id,
        string_agg(
            team_id || '=' || cast(share_fraction as text)
            || case when is_primary then '*' else '' end,
            ';' order by {{ byte_order('team_id') }}
        ) as team_mix_id,
        valid_from,
        valid_to
    from segments
    group by person_id, valid_from, valid_to

)

select * from final
