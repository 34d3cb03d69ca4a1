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

known as (

    select as_now.*
    from as_now
    cross join frontier
    where as_now.period_start <= frontier.closed_through

),

compared as (

    select
        coalesce(known.vendor, held.vendor) as vendor,
        coalesce(known.period_start, held.charged_month) as restates_period,
        held.vendor is not null as is_held,
        coalesce(known.invoice_count, 0) as invoice_count,
        coalesce(held.invoice_count, 0) as held_invoice_count,
        {%- for amount in amounts %}
        -- What is gone is taken back; what is not known stays unknown.
        case
            when known.{{ amount }} is not null then known.{{ amount }}
            when
                held.{{ amount }} is not null
                {%- if amount in ('metered_cost_usd', 'vendor_reported_cost_usd') %}
                and coalesce(known.status, 'nothing_to_match') = 'nothing_to_match'
                {%- else %}
                and coalesce(known.invoice_count, 0) = 0
                {%- endif %}
                then 0
        end as {{ amount }},
        held.{{ amount }} as held_{{ amount }},
        {%- endfor %}
        known.tolerance_usd,
        coalesce(known.status, 'nothing_to_match') as status,
        coalesce(known.is_fully_priced, true) as is_fully_priced
    from known
    full join held
        on
            known.vendor = held.vendor
            and known.period_start = held.charged_month

),

restated as (

    select
        compared.vendor,
        frontier.first_open_month as period_start,
        compared.restates_period,
        cast(compared.invoice_count - compared.held_invoice_count as bigint)
            as invoice_count,
        {%- for amount in amounts %}
        compared.{{ amount }} - coalesce(compared.held_{{ amount }}, 0) as {{ amount }},
        {%- endfor %}
        compared.tolerance_usd,
        compared.status,
        compared.is_fully_priced
    from compared
    cross join frontier
    where
        -- A month before the first closed one may have had nothing to freeze.
        (compared.is_held or compared.status <> 'nothing_to_match')
        and (
            compared.invoice_count <> compared.held_invoice_count
            {%- for amount in amounts %}
            or compared.{{ amount }} is distinct from compared.held_{{ amount }}
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
