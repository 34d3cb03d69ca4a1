-- One row per vendor and text of an invoice line (its sku, else its description), with
-- what the rules say that it charges for. Of several rules for one field the vendor's
-- own goes first, then the longest pattern.
with

invoices as (

    select * from {{ ref('core_invoices') }}

),

rules as (

    select * from {{ ref('invoice_sku_rules') }}

),

seats as (

    select * from {{ ref('core_seats') }}

),

texts as (

    select distinct
        vendor,
        lower(coalesce(sku, description, '')) as line_text
    from invoices

),

plans as (

    select distinct
        vendor,
        lower(plan) as plan
    from seats

),

matched as (

    select
        texts.vendor,
        texts.line_text,
        rules.field,
        lower(rules.value) as value,
        row_number() over (
            partition by texts.vendor, texts.line_text, rules.field
            order by
                case when rules.vendor = '*' then 2 else 1 end,
                length(rules.pattern) desc,
                {{ byte_order('rules.pattern') }}
        ) as preference
    from texts
    inner join rules
        on
            (rules.vendor = '*' or texts.vendor = lower(rules.vendor))
            and texts.line_text like lower(rules.pattern)

),

stated as (

    select
        vendor,
        line_text,
        max(case when field = 'line_kind' then value end) as line_kind,
        max(case when field = 'model' then value end) as model,
        max(case when field = 'token_class' then value end) as token_class,
        max(case when field = 'service_tier' then value end) as service_tier,
        max(case when field = 'is_batch' then value end) as is_batch,
        max(case when field = 'min_context_tokens' then value end)
            as min_context_tokens,
        max(case when field = 'plan' then value end) as plan
    from matched
    where preference = 1
    group by vendor, line_text

),

final as (

    select
        texts.vendor,
        texts.line_text,
        stated.line_kind,
        case
            when stated.token_class is not null
                then coalesce(
                    stated.model, {{ regex_capture('texts.line_text', '^([^/]+)/') }}
                )
        end as model,
        stated.token_class,
        coalesce(stated.service_tier, 'standard') as service_tier,
        coalesce(stated.plan, plans.plan) as plan,
        cast(coalesce(stated.min_context_tokens, '0') as bigint) as context_token_count,
        coalesce(stated.is_batch = 'true', false) as is_batch
    from texts
    left join stated
        on
            texts.vendor = stated.vendor
            and texts.line_text = stated.line_text
    left join plans
        on
            texts.vendor = plans.vendor
            and {{ regex_removed('texts.line_text', '-prorated$') }} = plans.plan

)

select * from final
