-- The organization's quarters count every lead time of a variant once; every scope has
-- every variant in every quarter; and first_commit_to_deploy says what dora_quarterly
-- says. Returns the variants that do not.
with

quarterly as (

    select * from {{ ref('lead_time_variants_quarterly') }}

),

variants as (

    select * from {{ ref('lead_time_variants') }}

),

dora as (

    select * from {{ ref('dora_quarterly') }}

),

counted as (

    select
        variant,
        sum(
            case when scope_type = 'organization' then change_count else 0 end
        ) as change_count,
        sum(case when scope_type = 'team' then change_count else 0 end)
            as team_change_count,
        count(*) as row_count
    from quarterly
    group by variant

),

held as (

    select
        variant,
        count(case when not is_bot_change then lead_time_minutes end) as change_count
    from variants
    group by variant

),

expected as (

    select count(*) as row_count from dora

)

select counted.variant
from counted
cross join expected
left join held
    on counted.variant = held.variant
where
    counted.change_count <> coalesce(held.change_count, 0)
    or counted.team_change_count <> coalesce(held.change_count, 0)
    or counted.row_count <> expected.row_count

union all

select quarterly.variant
from quarterly
inner join dora
    on
        quarterly.scope_type = dora.scope_type
        and quarterly.scope_id = dora.scope_id
        and quarterly.period_start = dora.period_start
where
    quarterly.variant = 'first_commit_to_deploy'
    and (
        quarterly.change_count <> dora.deployed_change_count
        or coalesce(quarterly.median_hours, -1)
        <> coalesce(dora.median_change_lead_time_hours, -1)
        or coalesce(quarterly.p90_hours, -1)
        <> coalesce(dora.p90_change_lead_time_hours, -1)
    )
