{#-
    Facts that carry department_id, team_id and service_id, summed for every scope in one pass.

    usage:  select period_start, {{ grouped_scope_type() }} as scope_type,
                {{ grouped_scope_id() }} as scope_id, count(*) …
            group by {{ scope_grouping_sets(['period_start']) }}
    output: grouping sets of the given columns for the organization, and with each department, team
            and service. A fact without a service gives a row with scope_type 'service' and a null
            scope_id: join it to int_scopes and it is gone.
-#}
{% macro scope_grouping_sets(columns) -%}
    grouping sets (
        ({{ columns | join(', ') }}),
        ({{ columns | join(', ') }}, department_id),
        ({{ columns | join(', ') }}, team_id),
        ({{ columns | join(', ') }}, service_id)
    )
{%- endmacro %}

{#- The scope that a row of scope_grouping_sets is for. -#}
{% macro grouped_scope_type() -%}
    case
        when grouping(department_id) = 0 then 'department'
        when grouping(team_id) = 0 then 'team'
        when grouping(service_id) = 0 then 'service'
        else 'organization'
    end
{%- endmacro %}

{#- Its id. -#}
{% macro grouped_scope_id() -%}
    case
        when grouping(department_id) = 0 then department_id
        when grouping(team_id) = 0 then team_id
        when grouping(service_id) = 0 then service_id
        else 'organization'
    end
{%- endmacro %}
