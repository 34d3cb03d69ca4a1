-- One row per posting month, month restated, invoice, charge category, cost centre,
-- line of teams and method. Closed months stay frozen; what came later posts in
-- the first open month.
{% set sources = {
    'frozen': 'frozen.period_start <= frontier.closed_through',
    'as_now': 'not as_now.is_accrual and as_now.period_start > frontier.closed_through',
    'restated': 'restated.allocated_cost_usd <> 0'
        ~ ' or (restated.is_unknown and not restated.is_held_unknown)',
} %}
with

as_now as (

    select * from {{ ref('cost_allocation_as_now_monthly') }}

),

frozen as (

    select * from {{ ref('int_allocation_frozen') }}

),

frontier as (

    select * from {{ ref('int_close_frontier') }}

),

months_closed as (

    select * from {{ ref('int_months_closed') }}

),

held as (

    select
        charged_month,
        vendor,
        invoice_id,
        charge_category,
        cost_center,
        team_id,
        method,
        is_accrual,
        max(team_name) as team_name,
        max(department_id) as department_id,
        sum(allocated_cost_usd) as held_usd
    from frozen
    group by
        charged_month,
        vendor,
        invoice_id,
        charge_category,
        cost_center,
        team_id,
        method,
        is_accrual

),

known as (

    select as_now.*
    from as_now
    cross join frontier
    where as_now.period_start <= frontier.closed_through

),

restated as (

    select
        coalesce(known.period_start, held.charged_month) as restates_period,
        coalesce(known.vendor, held.vendor) as vendor,
        coalesce(known.invoice_id, held.invoice_id) as invoice_id,
        coalesce(known.charge_category, held.charge_category) as charge_category,
        coalesce(known.cost_center, held.cost_center) as cost_center,
        coalesce(known.team_id, held.team_id) as team_id,
        coalesce(known.method, held.method) as method,
        coalesce(known.team_name, held.team_name) as team_name,
        coalesce(known.department_id, held.department_id) as department_id,
        coalesce(known.is_accrual, held.is_accrual) as is_accrual,
        known.vendor is not null and known.allocated_cost_usd is null as is_unknown,
        held.vendor is not null and held.held_usd is null as is_held_unknown,
        case
            when known.vendor is null or known.allocated_cost_usd is not null
                then
                    coalesce(known.allocated_cost_usd, 0) - coalesce(held.held_usd, 0)
        end as allocated_cost_usd
    from known
    full join held
        on
            known.period_start = held.charged_month
            and known.vendor = held.vendor
            and known.invoice_id = held.invoice_id
            and known.charge_category = held.charge_category
            and known.cost_center = held.cost_center
            and known.team_id = held.team_id
            and known.method = held.method
            and known.is_accrual = held.is_accrual

),

posted as (

    {% for source, condition in sources.items() %}
    {% if not loop.first %}
    union all
    {% endif %}
    select
        {{ source }}.vendor,
        {{ 'frontier.first_open_month' if source == 'restated'
            else source ~ '.period_start' }} as period_start,
        {{ 'cast(null as date)' if source == 'as_now'
            else source ~ '.restates_period' }} as restates_period,
        {{ source }}.invoice_id,
        {{ source }}.charge_category,
        {{ source }}.cost_center,
        {{ source }}.team_id,
        {{ source }}.method,
        {{ source }}.team_name,
        {{ source }}.department_id,
        {{ source }}.allocated_cost_usd,
        {{ source }}.is_accrual
    from {{ source }}
    cross join frontier
    where {{ condition }}
    {% endfor %}

),

final as (

    select
        posted.vendor,
        posted.period_start,
        posted.restates_period,
        posted.invoice_id,
        posted.charge_category,
        posted.cost_center,
        posted.team_id,
        posted.method,
        posted.team_name,
        posted.department_id,
        cast(posted.allocated_cost_usd as numeric(38, 12)) as allocated_cost_usd,
        case
            when posted.period_start <= frontier.closed_through then 'closed'
            else coalesce(months_closed.close_status, 'open')
        end as close_status,
        posted.charge_category = 'tax' as is_tax,
        posted.is_accrual,
        {{ add_to_date('posted.period_start', 1, 'month') }} > {{ as_of() }}
            as is_partial_period,
        {{ add_to_date('posted.period_start', 1, 'month') }} as period_end
    from posted
    cross join frontier
    left join months_closed
        on posted.period_start = months_closed.month_start

)

select * from final
