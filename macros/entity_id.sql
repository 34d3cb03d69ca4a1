{#-
    A reference to an entity as an id of the warehouse: `<system>:<id>`. A feed may point at
    another system's entity by writing the prefix itself; without one it means its own.

    usage:  {{ entity_id('files', 'caused_by_deployment_id') }} as caused_by_deployment_id
    output: text; null for null
-#}
{% macro entity_id(system, column) -%}
    {%- set systems = ['files', 'git', 'github', 'gitlab', 'jira', 'pagerduty'] -%}
    case
        when
            {% for known in systems -%}
            {%- if not loop.first %}
            or {% endif -%}
            {{ column }} like '{{ known }}:%'
            {%- endfor %}
            then {{ column }}
        else '{{ system }}:' || {{ column }}
    end
{%- endmacro %}
