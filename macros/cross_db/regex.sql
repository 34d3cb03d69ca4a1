{#-
    The first capture group of a POSIX regular expression; null where it does not match.

    usage:  {{ regex_capture('context_window', '^([0-9]+)k') }}
    output: text
-#}
{% macro regex_capture(column, pattern) -%}
    {{ return(adapter.dispatch('regex_capture', 'valuemaxx')(column, pattern)) }}
{%- endmacro %}

{% macro duckdb__regex_capture(column, pattern) -%}
    nullif(regexp_extract({{ column }}, '{{ pattern }}', 1), '')
{%- endmacro %}

{% macro postgres__regex_capture(column, pattern) -%}
    nullif((regexp_match({{ column }}, '{{ pattern }}'))[1], '')
{%- endmacro %}

{#-
    A text without the first part that matches a POSIX regular expression.

    usage:  {{ regex_removed('model', '-[0-9]{8}$') }}
    output: text
-#}
{% macro regex_removed(column, pattern) -%}
    {{ return(adapter.dispatch('regex_removed', 'valuemaxx')(column, pattern)) }}
{%- endmacro %}

{% macro duckdb__regex_removed(column, pattern) -%}
    regexp_replace({{ column }}, '{{ pattern }}', '')
{%- endmacro %}

{% macro postgres__regex_removed(column, pattern) -%}
    regexp_replace({{ column }}, '{{ pattern }}', '')
{%- endmacro %}
