{#-
    The newest version of each record of a source: how a stream's batches fold.

    usage:  select * from {{ latest(source('files', 'teams')) }}
    output: the source's rows, one per key, deleted ones gone

    `key` and `fold` are the stream's own declaration, carried in the source's meta:
    keyed    = the newest record of a key wins;
    replaced = the newest batch of a scope and window stands for it, earlier ones are silent; if
               several scopes hold a key, the one whose name sorts last wins (a file's without its
               suffix), so that the answer does not depend on which was read first.
-#}
{% macro latest(relation) -%}
    {%- set stream = stream_declaration(relation) -%}
    {%- set key = stream.get('key', []) -%}
    {%- if key %}
    (
        -- Few keys come twice, and to sort all rows for them costs twice what this does.
        with

        repeated as (

            select
                {{ key | join(', ') }},
                count(*) as _row_count
            from {{ standing_rows(relation, stream) }}
            group by {{ key | join(', ') }}
            having count(*) > 1

        )

        select
            standing_rows.*,
            1 as _recency
        from {{ standing_rows(relation, stream) }}
        left join repeated
            on {{ same_key(key) }}
        where
            not standing_rows._is_deleted
            and repeated._row_count is null
            {%- for column in key %}
            and standing_rows.{{ column }} is not null
            {%- endfor %}

        union all

        select *
        from (
            select
                standing_rows.*,
                row_number() over (
                    partition by
                        {% for column in key -%}
                        standing_rows.{{ column }}{{ ',' if not loop.last }}
                        {% endfor -%}
                    order by
                        {% if stream.get('fold') == 'replaced' -%}
                        {{ byte_order(
                            regex_removed('standing_rows._scope', '([.][a-z]+)+$')
                        ) }} desc,
                        {% endif -%}
                        standing_rows._batch_id desc
                ) as _recency
            from {{ standing_rows(relation, stream) }}
            left join repeated
                on {{ same_key(key) }}
            where
                repeated._row_count is not null
                {%- for column in key %}
                or standing_rows.{{ column }} is null
                {%- endfor %}
        ) as ranked_rows
        where ranked_rows._recency = 1 and not ranked_rows._is_deleted
    ) as latest_rows
    {%- else %}
    (
        select
            standing_rows.*,
            1 as _recency
        from {{ standing_rows(relation, stream) }}
        where not standing_rows._is_deleted
    ) as latest_rows
    {%- endif %}
{%- endmacro %}

{#- The rows of the batches that stand: all, or those of each scope and window's newest. -#}
{% macro standing_rows(relation, stream) -%}
    {%- if stream.get('fold') == 'replaced' -%}
    (
        select *
        from {{ relation }}
        -- A batch's id is its own: no other scope or window has it.
        where _batch_id in (
            select max(_batch_id)
            from {{ relation }}
            group by _scope, _window_start, _window_end
        )
    ) as standing_rows
    {%- else -%}
    {{ relation }} as standing_rows
    {%- endif -%}
{%- endmacro %}

{#- A part of a key may be null; such rows are compared by the window alone. -#}
{% macro same_key(key) -%}
    {%- for column in key -%}
    {{ 'and ' if not loop.first }}standing_rows.{{ column }} = repeated.{{ column }}
    {% endfor -%}
{%- endmacro %}

{#-
    What a stream declares of itself: the meta of its source. Not known while dbt parses.

    usage:  {% set stream = stream_declaration(source('files', 'teams')) %}
    output: a dict with `key` (a list of columns, may be empty) and `fold`
-#}
{% macro stream_declaration(relation) -%}
    {%- set found = namespace(meta={}) -%}
    {%- if execute -%}
        {%- for source in graph.sources.values() -%}
            {%- if source.schema == relation.schema and source.name == relation.identifier -%}
                {%- set found.meta = source.config.meta -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if 'fold' not in found.meta -%}
            {{ exceptions.raise_compiler_error(
                relation ~ ' does not say in its meta how its batches fold'
            ) }}
        {%- endif -%}
    {%- endif -%}
    {{ return(found.meta) }}
{%- endmacro %}
