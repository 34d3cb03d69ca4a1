-- One row per vendor, posting month and month restated. Closed months stay as they were
-- frozen; what came later posts in the first open month, as the difference.
{% set amounts = [
    'metered_cost_usd',
    'vendor_reported_cost_usd',
    'invoiced_cost_usd',
    'variance_usd',
    'quantity_variance_usd',
    'price_variance_usd',
    'classification_variance_usd',
    'timing_variance_usd',
    'credits_variance_usd',
    'commitment_variance_usd',
    'seats_variance_usd',
    'fx_variance_usd',
    'tax_variance_usd',
    'rounding_variance_usd',
    'unexplained_usd'
] %}
{% set sources = {
    'frozen': 'frozen.period_start <= frontier.closed_through',
    'as_now': 'as_now.period_start > frontier.closed_through',
    'restated': 'restated.period_start = frontier.first_open_month',
} %}
with

as_now as (

    select * from {{ ref('cost_reconciliation_as_now_monthly') }}

),

frozen as (

    select * from {{ ref('int_reconciliation_frozen') }}

),

frontier as (

    select * from {{ ref('int_close_frontier') }}

),

months_closed as (

    select * from {{ ref('int_months_closed') }}

),

held as (

    select
        vendor,
        charged_month,
        {%- for amount in amounts %}
        sum({{ amount }}) as {{ amount }},
        {%- endfor %}
        sum(invoice_count) as invoice_count
    from frozen
    group by vendor, charged_month

),

restated as (

    select
        as_now.vendor,
        frontier.first_open_month as period_start,
        as_now.period_start as restates_period,
        cast(
            as_now.invoice_count - coalesce(held.invoice_count, 0) as bigint
        ) as invoice_count,
        {%- for amount in amounts %}
        as_now.{{ amount }} - coalesce(held.{{ amount }}, 0) as {{ amount }},
        {%- endfor %}
        as_now.tolerance_usd,
        as_now.status,
        as_now.is_fully_priced
    from as_now
    cross join frontier
    left join held
        on
            as_now.vendor = held.vendor
            and as_now.period_start = held.charged_month
    where
        as_now.period_start <= frontier.closed_through
        -- A month before the first closed one may have had nothing to freeze.
        and (held.vendor is not null or as_now.status <> 'nothing_to_match')
        and (
            as_now.invoice_count <> coalesce(held.invoice_count, 0)
            {%- for amount in amounts %}
            or as_now.{{ amount }} is distinct from held.{{ amount }}
            {%- endfor %}
        )

),

posted as (

    {% for source, condition in sources.items() %}
    {% if not loop.first %}
    union all
    {% endif %}
    select
        {{ source }}.vendor,
        {{ source }}.period_start,
        {{ 'cast(null as date)' if source == 'as_now'
            else source ~ '.restates_period' }} as restates_period,
        {{ source }}.invoice_count,
        {% for amount in amounts %}
        {{ source }}.{{ amount }},
        {% endfor %}
        {{ source }}.tolerance_usd,
        {{ source }}.status,
        {{ source }}.is_fully_priced
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
        posted.invoice_count,
        {%- for amount in amounts %}
        cast(posted.{{ amount }} as numeric(38, 12)) as {{ amount }},
        {%- endfor %}
        cast(posted.tolerance_usd as numeric(38, 12)) as tolerance_usd,
        posted.status,
        case
            when posted.period_start <= frontier.closed_through then 'closed'
            else coalesce(months_closed.close_status, 'open')
        end as close_status,
        posted.is_fully_priced,
        {{ add_to_date('posted.period_start', 1, 'month') }} > {{ as_of() }}
            as is_partial_period,
        {{ add_to_date('posted.period_start', 1, 'month') }} as period_end
    from posted
    cross join frontier
    left join months_closed
        on posted.period_start = months_closed.month_start

)

select * from final
