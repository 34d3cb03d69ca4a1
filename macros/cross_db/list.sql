{#-
    Lists in the lake are strings of values joined by ';'. These are the only ways into one.

    usage:  select issue_id, {{ explode_list('pull_request_ids') }} as pull_request_id from …
    output: one row per value; no row for a null or empty list
-#}
{% macro explode_list(column) -%}
    {{ return(adapter.dispatch('explode_list', 'valuemaxx')(column)) }}
{%- endmacro %}

{% macro duckdb__explode_list(column) -%}
    unnest(string_split(nullif({{ column }}, ''), ';'))
{%- endmacro %}

{% macro postgres__explode_list(column) -%}
    unnest(string_to_array(nullif({{ column }}, ''), ';'))
{%- endmacro %}

{#-
    Whether a list holds one of the given values (a Jinja list), whatever the case. Never null.

    usage:  {{ list_contains('labels', var('hotfix_labels')) }} as is_hotfix
-#}
{% macro list_contains(column, values) -%}
    (
        false
        {%- for value in values %}
        or lower(';' || coalesce({{ column }}, '') || ';')
            like '%;{{ value | lower | replace("'", "''") }};%'
        {%- endfor %}
    )
{%- endmacro %}
