{#-
    A continuous percentile (interpolated), double; null over nothing.

    usage:  {{ percentile('lead_time_seconds', 0.9) }}
-#}
{% macro percentile(column, fraction) -%}
    percentile_cont({{ fraction }}) within group (order by cast({{ column }} as double precision))
{%- endmacro %}
