-- One row per pool of cents and line of teams that bears part of it. What nobody drives
-- is nobody's, on a row of its own.
with

pools as (

    select * from {{ ref('int_cost_pools') }}

),

weights as (

    select * from {{ ref('int_allocation_weights') }}

),

weighed as (

    select
        pools.pool_number,
        weights.team_id,
        pools.amount_usd_cents,
        weights.weight
    from pools
    inner join weights
        on
            pools.vendor = weights.vendor
            and pools.month_start = weights.month_start
            and pools.driver = weights.driver

),

shared as (

    select
        pool_number,
        team_id,
        team_cents
    from {{ share_out(
        'weighed',
        keep=['pool_number', 'team_id'],
        partition_by=['pool_number'],
        units='amount_usd_cents',
        weight='weight',
        order_by=byte_order('team_id'),
        alias='team_cents'
    ) }}

),

borne as (

    select
        pool_number,
        team_id,
        team_cents
    from shared

    union all

    select
        pool_number,
        'unattributed' as team_id,
        amount_usd_cents as team_cents
    from pools
    where driver is null

),

final as (

    select
        pools.pool_source,
        pools.vendor,
        pools.invoice_id,
        pools.charge_category,
        borne.team_id,
        case
            when borne.team_id = 'unattributed' then 'unattributed'
            when
                pools.line_group = 'usage'
                and (pools.driver = 'usage' or pools.driver like 'article|%')
                then 'direct'
            when pools.line_group = 'seat' and pools.driver like 'plan|%' then 'seat'
            else 'shared'
        end as method,
        cast(borne.team_cents as numeric(38, 0)) as amount_usd_cents,
        pools.month_start
    from borne
    inner join pools
        on borne.pool_number = pools.pool_number

)

select * from final
