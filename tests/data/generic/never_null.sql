{#-
    None of these columns is ever null. One scan for all of them; the failing row says how often
    each one is.

    usage:  data_tests: [{never_null: {arguments: {columns: [system, status]}}}]
-#}
{% test never_null(model, columns) %}

select
    {% for column in columns -%}
    count(case when {{ column }} is null then 1 end) as {{ column }}
    {{- ',' if not loop.last }}
    {% endfor -%}
from {{ model }}
having
    {% for column in columns -%}
    {{ 'or ' if not loop.first -}}
    count(case when {{ column }} is null then 1 end) > 0
    {% endfor %}
{% endtest %}
