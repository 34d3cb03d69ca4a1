-- One row per fiscal quarter, dense: what the company says of itself, what vendors
-- bill, and how long its failed deployments took to recover. An input holds from the
-- first quarter that begins on its day or later.
{% set inputs = [
    'engineering_cost_usd', 'engineering_people', 'hours_per_person_week',
    'downtime_cost_usd_per_hour', 'other_ai_investment_usd'
] %}
with

inputs as (

    select * from {{ ref('roi_inputs') }}

),

periods as (

    select * from {{ ref('int_periods') }}
    where period_type = 'quarter'

),

pools as (

    select * from {{ ref('int_cost_pools') }}

),

vendor_months as (

    select * from {{ ref('int_vendor_months') }}

),

deployments as (

    select * from {{ ref('int_deployments_judged') }}

),

ranked_inputs as (

    select
        periods.period_start,
        inputs.input,
        inputs.value,
        row_number() over (
            partition by periods.period_start, inputs.input
            order by inputs.valid_from desc
        ) as preference
    from periods
    inner join inputs
        on periods.period_start >= inputs.valid_from

),

inputs_by_quarter as (

    select
        {%- for input in inputs %}
        max(case when input = '{{ input }}' then value end) as {{ input }},
        {%- endfor %}
        period_start
    from ranked_inputs
    where preference = 1
    group by period_start

),

spend as (

    select
        {{ period_start('quarter', 'month_start') }} as period_start,
        case
            when count(*) = count(amount_usd_cents)
                then {{ cents_to_usd('sum(amount_usd_cents)') }}
        end as ai_spend_usd,
        case
            when count(*) = count(amount_usd_cents)
                then {{ cents_to_usd(
                    "sum(case when pool_source = 'accrual' then amount_usd_cents "
                    ~ "else 0 end)"
                ) }}
        end as accrued_ai_spend_usd
    from pools
    where charge_category <> 'tax'
    group by {{ period_start('quarter', 'month_start') }}

),

uninvoiced as (

    select
        {{ period_start('quarter', 'month_start') }} as period_start,
        count(*) as vendor_month_count
    from vendor_months
    where has_facts and invoice_count = 0
    group by {{ period_start('quarter', 'month_start') }}

),

failures as (

    select
        {{ period_start('quarter', 'finished_at') }} as period_start,
        sum(recovery_seconds) as recovery_seconds,
        count(recovery_seconds) as recovery_count
    from deployments
    where is_failed
    group by {{ period_start('quarter', 'finished_at') }}

),

final as (

    select
        periods.period_start,
        {%- for input in inputs %}
        cast(inputs_by_quarter.{{ input }} as numeric(18, 6)) as {{ input }},
        {%- endfor %}
        -- Nobody bills anything: it costs nothing. A bill without a rate: unknown.
        case
            when spend.period_start is null then cast(0 as numeric(38, 12))
            else spend.ai_spend_usd
        end as ai_spend_usd,
        case
            when spend.period_start is null then cast(0 as numeric(38, 12))
            else spend.accrued_ai_spend_usd
        end as accrued_ai_spend_usd,
        cast(coalesce(uninvoiced.vendor_month_count, 0) as bigint)
            as uninvoiced_vendor_month_count,
        cast(coalesce(failures.recovery_seconds, 0) as bigint) as recovery_seconds,
        cast(coalesce(failures.recovery_count, 0) as bigint) as recovery_count,
        cast(
            {{ days_between('periods.period_start', 'periods.period_end') }} as bigint
        ) as day_count
    from periods
    left join inputs_by_quarter
        on periods.period_start = inputs_by_quarter.period_start
    left join spend
        on periods.period_start = spend.period_start
    left join uninvoiced
        on periods.period_start = uninvoiced.period_start
    left join failures
        on periods.period_start = failures.period_start

)

select * from final
