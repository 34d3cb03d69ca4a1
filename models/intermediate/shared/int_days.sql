-- One row per day from the first fact to the last day that as_of sees any of; without a
-- fact, that day alone. Weeks start on Monday; quarters are fiscal.
with

pull_requests as (

    select * from {{ ref('core_pull_requests') }}

),

deployments as (

    select * from {{ ref('core_deployments') }}

),

incidents as (

    select * from {{ ref('core_incidents') }}

),

issues as (

    select * from {{ ref('core_issues') }}

),

usage_records as (

    select * from {{ ref('core_ai_usage') }}

),

first_moments as (

    -- A clock may be wrong: whichever is earlier, or the later end is in no period.
    select min(least(created_at, merged_at)) as first_at from pull_requests
    union all
    select min(least(started_at, finished_at)) as first_at from deployments
    union all
    select min(opened_at) as first_at from incidents
    union all
    select min(created_at) as first_at from issues
    union all
    select min(occurred_at) as first_at from usage_records

),

last_days as (

    -- Of a day that begins at as_of nothing is seen.
    select cast({{ as_of() }} - interval '1 microsecond' as date) as last_day

),

bounds as (

    select
        coalesce(min(cast(first_moments.first_at as date)), last_days.last_day)
            as first_day,
        last_days.last_day
    from first_moments
    cross join last_days
    group by last_days.last_day

),

days as (

    select date_day from {{ days_from_to('first_day', 'last_day', 'bounds') }}

),

final as (

    select
        date_day,
        {{ period_start('week', 'date_day') }} as week_start,
        {{ period_start('month', 'date_day') }} as month_start,
        {{ period_start('quarter', 'date_day') }} as quarter_start
    from days

)

select * from final
