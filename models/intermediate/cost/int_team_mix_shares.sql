-- One row per mix of teams and team in it. Teams stand side by side from 0 to 1, the
-- primary team last: a team's part of an amount is the rounded amount up to share_to
-- less the one up to share_from, so the parts add up exactly and what rounding leaves
-- over is the primary team's.
with

segments as (

    select * from {{ ref('int_team_membership_segments') }}

),

mixes as (

    select * from {{ ref('int_person_team_mixes') }}

),

teams as (

    select * from {{ ref('core_teams') }}

),

shares as (

    select distinct
        mixes.team_mix_id,
        segments.team_id,
        segments.share_fraction,
        segments.is_primary
    from segments
    inner join mixes
        on
            segments.person_id = mixes.person_id
            and segments.valid_from = mixes.valid_from

    union

    select
        {{ whole_team_mix('team_id') }} as team_mix_id,
        team_id,
        cast(1 as numeric(18, 12)) as share_fraction,
        true as is_primary
    from teams

),

bounded as (

    select
        team_mix_id,
        team_id,
        is_primary,
        sum(share_fraction) over (
            partition by team_mix_id
            order by case when is_primary then 1 else 0 end, {{ byte_order('team_id') }}
            rows between unbounded preceding and current row
        ) as share_to,
        share_fraction
    from shares

),

final as (

    select
        team_mix_id,
        team_id,
        cast(share_to - share_fraction as numeric(9, 8)) as share_from,
        cast(share_to as numeric(9, 8)) as share_to,
        is_primary
    from bounded
    where share_fraction > 0

)

select * from final
