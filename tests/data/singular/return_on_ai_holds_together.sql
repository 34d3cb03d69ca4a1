-- The return is a row per quarter of the organization, made of what the other tables
-- say and of inputs that are not negative; where nothing is missing there is one.
with

spend as (

    select
        {{ period_start('quarter', 'period_start') }} as period_start,
        case
            when count(*) = count(allocated_cost_usd) then sum(allocated_cost_usd)
        end as ai_spend_usd
    from {{ ref('cost_allocation_as_now_monthly') }}
    where not is_tax
    group by {{ period_start('quarter', 'period_start') }}

),

delivery as (

    select
        dora.period_start,
        dora.deployment_count,
        dora.failed_deployment_count,
        spend.ai_spend_usd,
        spend.period_start is not null as has_spend
    from {{ ref('dora_quarterly') }} as dora
    left join spend
        on dora.period_start = spend.period_start
    where dora.scope_type = 'organization'

)

select
    'quarter' as what,
    delivery.period_start
from delivery
left join {{ ref('return_on_ai_quarterly') }} as returned
    on delivery.period_start = returned.period_start
where
    returned.period_start is null
    or returned.deployment_count <> delivery.deployment_count
    or returned.failed_deployment_count <> delivery.failed_deployment_count
    -- An accrual without a price has no row in the allocation.
    or (delivery.has_spend and returned.ai_spend_usd <> delivery.ai_spend_usd)
    or (
        returned.missing_inputs is null
        and returned.investment_usd > 0
        and returned.return_on_investment is null
    )
    or (returned.is_baseline and returned.value_usd is not null)

union all

select
    input as what,
    valid_from as period_start
from {{ ref('roi_inputs') }}
where value < 0
