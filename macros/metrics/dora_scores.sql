{#-
    A category, 1 to 6, on the benchmark's scale: 1 gives 0, 6 gives 10. Double; null stays null.

    usage:  {{ category_score('lead_time.category') }} as change_lead_time_score
-#}
{% macro category_score(category) -%}
    (cast({{ category }} as double precision) - 1) / 5 * 10
{%- endmacro %}

{#-
    A rate, 0 to 1, on the same scale: p percent gives 10 - p / 10, never outside 0 to 10.

    usage:  {{ rate_score('change_fail_rate') }} as change_fail_rate_score
-#}
{% macro rate_score(rate) -%}
    case
        when {{ rate }} is not null
            then greatest(0, least(10, 10 - {{ rate }} * 100 / 10))
    end
{%- endmacro %}
