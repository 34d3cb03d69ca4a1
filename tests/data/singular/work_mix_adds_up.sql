-- Shares add up to 1, types to the whole, teams and departments to the organization,
-- and the organization to the finished work; what is of the whole quarter is the same
-- on every row of it.
with

mix as (

    select * from {{ ref('work_mix_quarterly') }}

),

work as (

    select * from {{ ref('int_work_typed') }}

),

quarters as (

    select
        scope_type,
        scope_id,
        period_start,
        sum(finished_count) as finished_count,
        max(finished_work_count) as finished_work_count,
        min(finished_work_count) as least_finished_work_count,
        sum(work_share) as work_share,
        sum(baseline_work_share) as baseline_work_share,
        count(distinct drift_index) as drift_count,
        min(drift_index) as drift_index,
        bool_or(is_baseline_quarter) as is_baseline_quarter
    from mix
    group by scope_type, scope_id, period_start

),

totals as (

    select
        period_start,
        work_type,
        scope_type,
        sum(finished_count) as finished_count
    from mix
    where scope_type <> 'service'
    group by period_start, work_type, scope_type

)

select
    'a quarter does not add up' as problem,
    scope_id,
    period_start
from quarters
where
    finished_count <> finished_work_count
    or finished_work_count <> least_finished_work_count
    or abs(coalesce(work_share, 1) - 1) > 0.000000001
    or abs(coalesce(baseline_work_share, 1) - 1) > 0.000000001
    or (work_share is null) <> (finished_work_count = 0)

union all

select
    'a drift is not within 0 and 1, or not 0 in its baseline' as problem,
    scope_id,
    period_start
from quarters
where
    drift_count > 1
    or drift_index not between 0 and 1
    or (is_baseline_quarter and drift_index <> 0)

union all

select
    'scopes differ' as problem,
    work_type as scope_id,
    period_start
from totals
group by work_type, period_start
having count(*) <> 3 or min(finished_count) <> max(finished_count)

union all

select
    'the table has not all finished work' as problem,
    cast(counts.published_count as text) as scope_id,
    cast(null as date) as period_start
from (
    select
        (
            select coalesce(sum(finished_count), 0) from mix
            where scope_type = 'organization'
        ) as published_count,
        (select count(*) from work) as work_count
) as counts
where counts.published_count <> counts.work_count
