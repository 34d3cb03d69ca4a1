{{ config(group='cost') }}
-- No line of AI figures is for fewer people than the minimum group, unless nobody is in
-- its teams at all or it is the only line there is.
with

lines as (

    select
        groups.period_start,
        groups.reporting_team_id,
        sum(headcounts.headcount) as headcount,
        sum(headcounts.member_count) as member_count,
        count(*) over (partition by groups.period_start) as line_count
    from {{ ref('int_team_reporting_groups') }} as groups
    inner join {{ ref('int_team_headcounts_by_month') }} as headcounts
        on
            groups.period_start = headcounts.period_start
            and groups.team_id = headcounts.team_id
    where groups.period_type = 'month'
    group by groups.period_start, groups.reporting_team_id

)

select * from lines
where
    headcount < {{ var('minimum_group_size') }}
    and member_count > 0
    and line_count > 1
