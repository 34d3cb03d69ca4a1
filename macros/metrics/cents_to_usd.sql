{#-
    Whole cents as dollars, with the 12 decimals of all money here.

    usage:  {{ cents_to_usd('sum(amount_usd_cents)') }} as amount_usd
    output: numeric(38, 12)

    The cast matters: DuckDB puts decimals of different kinds together by cutting off places.
-#}
{% macro cents_to_usd(cents) -%}
    cast(cast({{ cents }} as numeric(25, 0)) * 0.01 as numeric(38, 12))
{%- endmacro %}
