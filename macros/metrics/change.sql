{#-
    How much more a measure is than its baseline: 1 is twice as much, -0.5 half. Null over 0 or
    nothing. Double.

    usage:  {{ change('median_review_hours') }} as median_review_hours_change
            in a query of `measures` joined to `baselines`
-#}
{% macro change(measure) -%}
    {{ share('measures.' ~ measure, 'baselines.' ~ measure) }} - 1
{%- endmacro %}
