{#-
    Seconds as hours, double, to the millionth: a percentile or a mean has a tail of digits that differs
    between warehouses and means nothing.

    usage:  {{ hours('median_recovery_seconds') }} as median_failed_deployment_recovery_hours
-#}
{% macro hours(seconds) -%}
    cast(cast(({{ seconds }}) / 3600 as numeric(18, 6)) as double precision)
{%- endmacro %}
