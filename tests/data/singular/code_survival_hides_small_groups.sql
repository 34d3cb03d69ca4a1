-- AI evidence is told of no fewer people than the minimum group, nor by subtraction:
-- beside hidden parts stands one with enough people that is hidden, too, unless none is
-- shown.
with

survival as (

    select distinct
        period_start,
        scope_type,
        scope_id,
        ai_assistance,
        is_reported
    from {{ ref('code_survival_monthly') }}

),

authors as (

    select * from {{ ref('int_lines_authors_by_scope') }}

),

counted as (

    select
        authors.period_start,
        authors.scope_type,
        authors.scope_id,
        authors.ai_assistance,
        authors.author_count,
        survival.is_reported,
        case
            when authors.scope_type = 'team' then authors.department_id
        end as whole_id
    from authors
    inner join survival
        on
            authors.period_start = survival.period_start
            and authors.scope_type = survival.scope_type
            and authors.scope_id = survival.scope_id
            and authors.ai_assistance = survival.ai_assistance

)

select
    period_start,
    scope_id
from counted
where is_reported and author_count < {{ var('minimum_group_size') }}

union all

select
    period_start,
    whole_id as scope_id
from counted
group by period_start, ai_assistance, scope_type, whole_id
having
    max(case when not is_reported then author_count end)
    < {{ var('minimum_group_size') }}
    and count(case when is_reported then 1 end) > 0
