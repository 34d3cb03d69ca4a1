{#-
    One type's part of the Kullback-Leibler divergence of a mix from another, base 2; 0 where the
    mix has none of the type, null where its share is unknown.

    usage:  sum({{ divergence_part('work_share', 'middle_share') }})
    output: double
-#}
{% macro divergence_part(share, other_share) -%}
    case
        when {{ share }} > 0 then {{ share }} * ln({{ share }} / {{ other_share }}) / ln(2)
        when {{ share }} = 0 then 0
    end
{%- endmacro %}
