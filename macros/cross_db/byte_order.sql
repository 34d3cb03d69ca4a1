{#-
    A text to sort by, byte by byte, so that "the smallest id" is the same in every warehouse
    whatever its collation.

    usage:  order by share desc, {{ byte_order('team_id') }}
-#}
{% macro byte_order(column) -%}
    {{ return(adapter.dispatch('byte_order', 'valuemaxx')(column)) }}
{%- endmacro %}

{% macro duckdb__byte_order(column) -%}
    {{ column }}
{%- endmacro %}

{% macro postgres__byte_order(column) -%}
    {{ column }} collate "C"
{%- endmacro %}
