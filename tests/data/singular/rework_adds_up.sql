-- What is reworked or churned was removed, and teams add up to the organization.
with

monthly as (

    select * from {{ ref('quality_monthly') }}

),

totals as (

    select
        period_start,
        scope_type,
        sum(mainline_added_line_count) as mainline_added_line_count,
        sum(mainline_removed_line_count) as mainline_removed_line_count,
        sum(reworked_line_count) as reworked_line_count,
        sum(churned_line_count) as churned_line_count
    from monthly
    where scope_type <> 'service'
    group by period_start, scope_type

)

select
    'scopes differ' as problem,
    period_start
from totals
group by period_start
having
    min(mainline_added_line_count) <> max(mainline_added_line_count)
    or min(mainline_removed_line_count) <> max(mainline_removed_line_count)
    or min(reworked_line_count) <> max(reworked_line_count)
    or min(churned_line_count) <> max(churned_line_count)

union all

select
    'a part is not within its whole' as problem,
    period_start
from monthly
where
    reworked_line_count > mainline_removed_line_count
    or churned_line_count > mainline_removed_line_count
