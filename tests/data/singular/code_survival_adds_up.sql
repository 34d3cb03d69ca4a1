-- None survive that were not observed, none are observed that were not added, the lines
-- of a month are the same at every age, and its teams, shown or withheld, add up to the
-- organization.
with

survival as (

    select * from {{ ref('code_survival_monthly') }}

),

counted as (

    select * from {{ ref('int_lines_by_scope_and_month') }}

),

totals as (

    select
        period_start,
        ai_assistance,
        age_days,
        sum(case when scope_type = 'organization' then line_count end) as whole,
        sum(case when scope_type = 'team' then line_count end) as teams,
        sum(case when scope_type = 'department' then line_count end) as departments,
        sum(case when scope_type = 'organization' then surviving_line_count end)
            as whole_surviving,
        sum(case when scope_type = 'team' then surviving_line_count end)
            as teams_surviving
    from counted
    group by period_start, ai_assistance, age_days

)

select
    'scopes do not add up' as problem,
    period_start
from totals
where whole <> teams or whole <> departments or whole_surviving <> teams_surviving

union all

select
    'a part is not within its whole' as problem,
    period_start
from survival
where
    lines_surviving > lines_observed
    or lines_surviving < 0
    or lines_observed not in (0, lines_added)
    or (is_censored and lines_observed <> 0)
    or (not is_reported and lines_added is not null)

union all

select
    'one month has two sizes' as problem,
    period_start
from survival
group by scope_type, scope_id, period_start, ai_assistance
having min(lines_added) <> max(lines_added) or count(*) <> 5
