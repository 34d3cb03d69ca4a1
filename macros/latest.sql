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
        with

        {% if stream.get('fold') == 'replaced' -%}
        standing_batches as (

            -- A batch's id is its own: no other scope or window has it.
            select max(_batch_id) as _batch_id
            from {{ relation }}
            group by _scope, _window_start, _window_end

        ),

        {% endif -%}
        standing_rows as (

            select *
            from {{ relation }}
            {%- if stream.get('fold') == 'replaced' %}
            where _batch_id in (select standing_batches._batch_id from standing_batches)
            {%- endif %}

        )
        {%- if key %},

        -- Few keys come twice, and to sort all rows for them costs twice what this does. They
        -- are told by a hash: should two keys share one, both are sorted, and both are kept.
        repeated as (

            select hashed.key_hash
            from (select {{ row_hash(key) }} as key_hash from standing_rows) as hashed
            group by hashed.key_hash
            having count(*) > 1

        )

        select
            standing_rows.*,
            1 as _recency
        from standing_rows
        left join repeated
            on {{ row_hash(key, 'standing_rows') }} = repeated.key_hash
        where not standing_rows._is_deleted and repeated.key_hash is null

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
            from standing_rows
            inner join repeated
                on {{ row_hash(key, 'standing_rows') }} = repeated.key_hash
        ) as ranked_rows
        where ranked_rows._recency = 1 and not ranked_rows._is_deleted
        {%- else %}

        select
            standing_rows.*,
            1 as _recency
        from standing_rows
        where not standing_rows._is_deleted
        {%- endif %}
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
