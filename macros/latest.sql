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
    (
        select *
        from (
            select
                batch_rows.*,
                {% if key -%}
                row_number() over (
                    partition by {{ key | join(', ') }}
                    order by
                        {% if stream.get('fold') == 'replaced' -%}
                        {{ byte_order(regex_removed('_scope', '([.][a-z]+)+$')) }} desc,
                        {% endif -%}
                        _batch_id desc
                )
                {%- else -%}1{%- endif %} as _recency
            from {{ relation }} as batch_rows
            {%- if stream.get('fold') == 'replaced' %}
            -- A batch's id is its own: no other scope or window has it.
            where batch_rows._batch_id in (
                select max(standing_rows._batch_id)
                from {{ relation }} as standing_rows
                group by
                    standing_rows._scope,
                    standing_rows._window_start,
                    standing_rows._window_end
            )
            {%- endif %}
        ) as ranked_rows
        where ranked_rows._recency = 1 and not ranked_rows._is_deleted
    ) as latest_rows
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
