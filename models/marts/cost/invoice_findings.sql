-- One row per thing that is wrong with an invoice, or an invoice that did not come: how
-- far it moves the bill, tax included where the invoice is taxed as a whole.
with

line_findings as (

    select * from {{ ref('int_invoice_line_findings') }}

),

findings as (

    select * from {{ ref('int_invoice_findings') }}

),

explanations as (

    select * from {{ ref('invoice_finding_explanations') }}

),

all_findings as (

    select
        vendor,
        month_start,
        finding,
        invoice_id,
        invoice_line_id,
        currency,
        amount,
        usd_per_unit
    from line_findings

    union all

    select
        vendor,
        month_start,
        finding,
        invoice_id,
        cast(null as text) as invoice_line_id,
        currency,
        amount,
        usd_per_unit
    from findings

),

final as (

    select
        all_findings.vendor
        || '|' || cast(all_findings.month_start as text)
        || '|' || all_findings.finding
        || '|' || coalesce(all_findings.invoice_id, '')
        || '|' || coalesce(all_findings.invoice_line_id, '')
        -- An invoice in several currencies may be wrong in each.
        || case
            when
                count(*) over (
                    partition by
                        all_findings.vendor,
                        all_findings.month_start,
                        all_findings.finding,
                        all_findings.invoice_id,
                        all_findings.invoice_line_id
                ) > 1
                then '|' || all_findings.currency
            else ''
        end as finding_id,
        all_findings.vendor,
        all_findings.month_start as period_start,
        all_findings.finding,
        all_findings.invoice_id,
        all_findings.invoice_line_id,
        all_findings.currency,
        explanations.explanation,
        cast(all_findings.amount as numeric(38, 12)) as amount,
        cast(
            round(all_findings.amount * all_findings.usd_per_unit, 2)
            as numeric(38, 12)
        ) as amount_usd
    from all_findings
    left join explanations
        on all_findings.finding = explanations.finding

)

select * from final
