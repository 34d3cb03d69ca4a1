{#-
    64 bits that are the same for rows with the same values in these columns; null is a value
    like any other. Rows with other values may share them.

    usage:  {{ row_hash(['repository', 'commit_sha'], 'commits') }}
-#}
{% macro row_hash(columns, relation=none) -%}
    {%- set prefix = relation ~ '.' if relation else '' -%}
    {%- set listed = [] -%}
    {%- for column in columns %}{% do listed.append(prefix ~ column) %}{% endfor -%}
    {{ return(adapter.dispatch('row_hash', 'valuemaxx')(listed | join(', '))) }}
{%- endmacro %}

{% macro duckdb__row_hash(listed) -%}
    hash({{ listed }})
{%- endmacro %}

{% macro postgres__row_hash(listed) -%}
    hashtextextended(cast(row({{ listed }}) as text), 0)
{%- endmacro %}
