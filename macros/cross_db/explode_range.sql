{#-
    Every whole number from one to another, both included.

    usage:  select repository, {{ explode_range('first_position', 'last_position') }} as position
    output: one row per number; no row where the first is beyond the last
-#}
{% macro explode_range(first, last) -%}
    {{ return(adapter.dispatch('explode_range', 'valuemaxx')(first, last)) }}
{%- endmacro %}

{% macro duckdb__explode_range(first, last) -%}
    unnest(generate_series({{ first }}, {{ last }}))
{%- endmacro %}

{% macro postgres__explode_range(first, last) -%}
    generate_series({{ first }}, {{ last }})
{%- endmacro %}
