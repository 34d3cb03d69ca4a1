-- What a study measured stands beside a column of divergence_quarterly that exists.
{% set divergence = ref('divergence_quarterly') %}
select published.measure
from {{ ref('published_divergence') }} as published
left join information_schema.columns as found
    on
        found.table_schema = '{{ divergence.schema }}'
        and found.table_name = '{{ divergence.identifier }}'
        and published.measure = found.column_name
where found.column_name is null
