{#-
    Minutes from one timestamp to a later one, double; null if it is earlier. Whole
    seconds, rounded down, over 60.

    usage:  {{ minutes_between('merged_at', 'deployed_at') }} as deploy_minutes
-#}
{% macro minutes_between(earlier, later) -%}
    case
        when {{ later }} >= {{ earlier }}
            then cast({{ seconds_between(earlier, later) }} as double precision) / 60
    end
{%- endmacro %}

{#-
    Whole minutes between the same, rounded up, double; null if that is below 0. A tool
    that rounds up first takes up to a minute too early for 0.

    usage:  {{ minutes_rounded_up('merged_at', 'deployed_at') }} as deploy_minutes
-#}
{% macro minutes_rounded_up(earlier, later) -%}
    {#- Seconds the other way round are rounded down, so their negative is rounded up. -#}
    {%- set way_back = seconds_between(later, earlier) -%}
    case
        when {{ way_back }} < 60
            then
                cast(
                    cast(
                        ceil(-cast({{ way_back }} as double precision) / 60) as bigint
                    ) as double precision
                )
    end
{%- endmacro %}
