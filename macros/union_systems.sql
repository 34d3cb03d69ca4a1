{#-
    The staging models of one entity, put together for the systems that are enabled.

    usage:  select * from {{ union_systems('pull_requests', ['files', 'git']) }}
    output: the rows of stg_<system>__<entity>, which all have the same columns in the same order
-#}
{% macro union_systems(entity, systems) -%}
    {%- set enabled = env_var('VALUEMAXX_SYSTEMS', 'files git').split() -%}
    (
        {% for system in systems if system == 'files' or system in enabled -%}
            {%- if not loop.first %} union all {% endif -%}
            select * from {{ ref('stg_' ~ system ~ '__' ~ entity) }}
        {%- endfor %}
    ) as {{ entity }}
{%- endmacro %}
