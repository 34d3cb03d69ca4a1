{#-
    Whole numbers of up to 38 digits: the type, the quotient rounded down and the
    remainder, for numbers that are not negative.

    usage:  {{ whole_quotient('cents * weight', 'total_weight') }}
    output: hugeint in DuckDB, numeric in PostgreSQL
-#}
{% macro whole_type(number) -%}
    {{ return(adapter.dispatch('whole_type', 'valuemaxx')(number)) }}
{%- endmacro %}

{% macro duckdb__whole_type(number) -%}
    cast({{ number }} as hugeint)
{%- endmacro %}

{% macro postgres__whole_type(number) -%}
    cast({{ number }} as numeric(38, 0))
{%- endmacro %}

{% macro whole_quotient(dividend, divisor) -%}
    {{ return(adapter.dispatch('whole_quotient', 'valuemaxx')(dividend, divisor)) }}
{%- endmacro %}

{% macro duckdb__whole_quotient(dividend, divisor) -%}
    ({{ dividend }}) // nullif({{ divisor }}, 0)
{%- endmacro %}

{% macro postgres__whole_quotient(dividend, divisor) -%}
    div({{ dividend }}, nullif({{ divisor }}, 0))
{%- endmacro %}

{% macro whole_remainder(dividend, divisor) -%}
    {{ return(adapter.dispatch('whole_remainder', 'valuemaxx')(dividend, divisor)) }}
{%- endmacro %}

{% macro duckdb__whole_remainder(dividend, divisor) -%}
    ({{ dividend }}) % nullif({{ divisor }}, 0)
{%- endmacro %}

{% macro postgres__whole_remainder(dividend, divisor) -%}
    mod({{ dividend }}, nullif({{ divisor }}, 0))
{%- endmacro %}
