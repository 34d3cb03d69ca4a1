-- Every scope has exactly one row in every period, whether it did anything or not.
-- Returns the kind of period that has more rows or fewer.
with

scopes as (

    select count(*) as scope_count from {{ ref('int_scopes') }}

),

periods as (

    select
        period_type,
        count(*) as period_count
    from {{ ref('int_periods') }}
    group by period_type

),

rows_found as (

    {% for period_type, period in
        {'week': 'weekly', 'month': 'monthly', 'quarter': 'quarterly'}.items() -%}
    select
        '{{ period_type }}' as period_type,
        count(*) as row_count
    from {{ ref('dora_' ~ period) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select periods.period_type
from periods
cross join scopes
inner join rows_found
    on periods.period_type = rows_found.period_type
where rows_found.row_count <> periods.period_count * scopes.scope_count
