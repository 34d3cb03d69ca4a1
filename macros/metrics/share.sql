{#-
    One number over another, double; null over nothing.

    usage:  {{ share('failed_deployment_count', 'deployment_count') }} as change_fail_rate
-#}
{% macro share(numerator, denominator) -%}
    cast({{ numerator }} as double precision)
        / nullif(cast({{ denominator }} as double precision), 0)
{%- endmacro %}
