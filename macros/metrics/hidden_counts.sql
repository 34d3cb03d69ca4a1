{#-
    Which counts of people are hidden: those below the minimum group, and the smallest one left
    beside them: without it the hidden ones are the count above less those shown. People who
    moved count in two teams, so even several hidden teams may be as few as the largest of them.

    usage:  select * from {{ hidden_counts('counted', ['period_start'], 'user_count') }}
    output: the keys, scope_type, scope_id, the count and is_hidden; a row per row of `counted`

    `counted` is a CTE with a row per key and scope that counts anybody: scope_type
    (organization, department or team), scope_id, and department_id, null for the organization.
    Siblings (the teams of a department, the departments) stand from the smallest on. A hidden
    department hides its teams.
-#}
{% macro hidden_counts(counted, keys, count) -%}
    {%- set keys = keys | join(', ') -%}
    (
        select
            {{ keys }},
            scope_type,
            scope_id,
            {{ count }},
            is_small
            or max(case when is_small and scope_type = 'department' then 1 else 0 end)
                over (partition by {{ keys }}, department_id) = 1 as is_hidden
        from (
            select
                {{ keys }},
                scope_type,
                scope_id,
                department_id,
                {{ count }},
                {{ count }} < {{ var('minimum_group_size') }}
                or (
                    smaller_count > 0
                    and smaller_count < {{ var('minimum_group_size') }}
                ) as is_small
            from (
                select
                    {{ keys }},
                    scope_type,
                    scope_id,
                    department_id,
                    {{ count }},
                    coalesce(lag({{ count }}) over (
                        partition by
                            {{ keys }},
                            scope_type,
                            case when scope_type = 'team' then department_id end
                        order by {{ count }}, {{ byte_order('scope_id') }}
                    ), 0) as smaller_count
                from {{ counted }}
            ) as ranked_counts
        ) as small_counts
    ) as judged_counts
{%- endmacro %}
