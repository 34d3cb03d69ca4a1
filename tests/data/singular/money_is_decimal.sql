-- No amount of money in the cost tables is a float.
{% set relations = [
    ref('ai_cost_daily'), ref('unit_economics_monthly'), ref('unit_economics_quarterly')
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
    and column_name like '%usd%'
    and lower(data_type) not like 'decimal(38,12)'
    and lower(data_type) not like 'numeric%'
