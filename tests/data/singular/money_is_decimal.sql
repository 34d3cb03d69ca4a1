-- No amount of money in the cost tables is a float.
{% set relations = [
    ref('ai_cost_daily'), ref('unit_economics_monthly'), ref('unit_economics_quarterly'),
    ref('cost_reconciliation_monthly'), ref('invoice_findings'),
    ref('cost_allocation_monthly'), ref('budget_vs_actual_monthly'), ref('seats_monthly'),
    ref('cost_allocation_as_now_monthly'), ref('cost_reconciliation_as_now_monthly'),
    ref('accruals_monthly')
] %}
select
    table_name,
    column_name,
    data_type
from information_schema.columns
where
    table_schema = '{{ relations[0].schema }}'
    and table_name in (
        {%- for relation in relations %}
        '{{ relation.identifier }}'{{ ',' if not loop.last }}
        {%- endfor %}
    )
    and (column_name like '%usd%' or column_name = 'amount')
    and lower(data_type) not like 'decimal(38,12)'
    and lower(data_type) not like 'numeric%'
