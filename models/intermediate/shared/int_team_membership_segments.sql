-- One row per person, team and stretch of days over which the person's teams do not
-- change. Shares are scaled to add up to exactly 1; all of them 0 counts as all equal.
with

memberships as (

    select * from {{ ref('core_team_memberships') }}

),

bounded as (

    select
        person_id,
        team_id,
        share,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from memberships

),

boundaries as (

    select
        person_id,
        valid_from as boundary_date
    from bounded
    union
    select
        person_id,
        valid_to as boundary_date
    from bounded

),

segments as (

    select
        person_id,
        boundary_date as valid_from,
        lead(boundary_date) over (
            partition by person_id order by boundary_date
        ) as valid_to
    from boundaries

),

-- Two rows for one person and team at a time are one membership, of at most all of the
-- time.
held as (

    select
        segments.person_id,
        segments.valid_from,
        segments.valid_to,
        bounded.team_id,
        least(cast(sum(bounded.share) as double precision), 1) as share
    from segments
    inner join bounded
        on
            bounded.person_id = segments.person_id
            and bounded.valid_from <= segments.valid_from
            and bounded.valid_to >= segments.valid_to
    where segments.valid_to is not null
    group by
        segments.person_id,
        segments.valid_from,
        segments.valid_to,
        bounded.team_id

),

ranked as (

    select
        person_id,
        valid_from,
        valid_to,
        team_id,
        share,
        sum(share) over (partition by person_id, valid_from) as total_share,
        count(*) over (partition by person_id, valid_from) as team_count,
        row_number() over (
            partition by person_id, valid_from
            order by share desc, {{ byte_order('team_id') }}
        ) as preference
    from held

),

scaled as (

    select
        person_id,
        team_id,
        cast(
            case
                when total_share > 0 then share / total_share
                else cast(1 as double precision) / team_count
            end as numeric(18, 12)
        ) as share_fraction,
        preference = 1 as is_primary,
        valid_from,
        valid_to
    from ranked

),

final as (

    select
        person_id,
        team_id,
        -- What rounding leaves over goes to the primary team.
        cast(
            case
                when is_primary
                    then 1 - sum(
                        case when is_primary then 0 else share_fraction end
                    ) over (partition by person_id, valid_from)
                else share_fraction
            end as numeric(18, 12)
        ) as share_fraction,
        is_primary,
        valid_from,
        valid_to
    from scaled

)

select * from final
