{#-
    Where a system stands in var('precedence'); after all of them if it is not named.

    usage:  order by {{ precedence('system') }}
    output: integer, 1 for the first
-#}
{% macro precedence(column) -%}
    case {{ column }}
        {%- for system in var('precedence') %}
        when '{{ system }}' then {{ loop.index }}
        {%- endfor %}
        else {{ var('precedence') | length + 1 }}
    end
{%- endmacro %}
