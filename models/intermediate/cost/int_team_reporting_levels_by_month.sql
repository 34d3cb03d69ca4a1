-- One row per team and month, with the line that AI figures of the team stand on: 0 =
-- its own, 1 = its department's (the root team with its small teams), 2 =
-- 'small_teams'. A line is for at least the minimum group, unless the whole
-- organization is smaller.
with

headcounts as (

    select * from {{ ref('int_team_headcounts_by_month') }}

),

pooled as (

    select
        period_start,
        team_id,
        department_id,
        headcount,
        member_count,
        team_id = department_id
        or headcount < {{ var('minimum_group_size') }} as is_in_pool
    from headcounts

),

pools as (

    select
        period_start,
        department_id,
        sum(headcount) as headcount,
        sum(member_count) as member_count
    from pooled
    where is_in_pool
    group by period_start, department_id

),

-- The lines before anything is absorbed: big teams, and the pools.
lines as (

    select
        period_start,
        team_id as line_id,
        headcount,
        member_count,
        true as is_reporting
    from pooled
    where not is_in_pool

    union all

    select
        period_start,
        department_id as line_id,
        headcount,
        member_count,
        headcount >= {{ var('minimum_group_size') }} as is_reporting
    from pools

),

leftovers as (

    select
        period_start,
        sum(headcount) as headcount,
        sum(member_count) as member_count
    from lines
    where not is_reporting
    group by period_start

),

ranked as (

    select
        period_start,
        line_id,
        row_number() over (
            partition by period_start
            order by headcount, {{ byte_order('line_id') }}
        ) as smallness
    from lines
    where is_reporting

),

-- Too few people left over would be given away by subtraction: the smallest line joins
-- them.
absorbed as (

    select
        ranked.period_start,
        ranked.line_id
    from ranked
    inner join leftovers
        on ranked.period_start = leftovers.period_start
    where
        ranked.smallness = 1
        and leftovers.member_count > 0
        and leftovers.headcount < {{ var('minimum_group_size') }}

),

final as (

    select
        pooled.period_start,
        pooled.team_id,
        pooled.department_id,
        case
            when absorbed.line_id is not null or not lines.is_reporting then 2
            when pooled.is_in_pool then 1
            else 0
        end as reporting_level
    from pooled
    inner join lines
        on
            pooled.period_start = lines.period_start
            and case
                when pooled.is_in_pool then pooled.department_id else pooled.team_id
            end = lines.line_id
    left join absorbed
        on
            lines.period_start = absorbed.period_start
            and lines.line_id = absorbed.line_id

)

select * from final
