{{ config(group='cost') }}
-- Teams that stand together in a month stand together in its quarter: a quarter's line
-- less its months' lines never leaves a part of one.
select
    months.period_start,
    months.reporting_team_id,
    count(distinct quarters.reporting_team_id) as quarter_line_count
from {{ ref('int_team_reporting_groups') }} as months
inner join {{ ref('int_team_reporting_groups') }} as quarters
    on
        quarters.period_type = 'quarter'
        and {{ period_start('quarter', 'months.period_start') }} = quarters.period_start
        and months.team_id = quarters.team_id
where months.period_type = 'month'
group by months.period_start, months.reporting_team_id
having count(distinct quarters.reporting_team_id) > 1
