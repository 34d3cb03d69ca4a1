{#-
    The moment the run looks from: what happened at or after it is not seen. A timestamp, UTC.

    usage:  where opened_at < {{ as_of() }}
    From VALUEMAXX_AS_OF (ISO 8601, UTC), else the moment dbt started. Read when the model runs,
    not when it is parsed, so that a new as_of does not make dbt parse anything again.
-#}
{% macro as_of() -%}
    {%- if execute -%}
        {%- set moment = env_var('VALUEMAXX_AS_OF', run_started_at.strftime('%Y-%m-%d %H:%M:%S')) -%}
    {%- else -%}
        {%- set moment = '1970-01-01' -%}
    {%- endif -%}
    cast('{{ moment }}' as timestamp)
{%- endmacro %}

{#-
    A moment as it was known at as_of: null if it lay ahead.

    usage:  {{ seen('merged_at') }} as merged_at
-#}
{% macro seen(moment) -%}
    case when {{ moment }} < {{ as_of() }} then {{ moment }} end
{%- endmacro %}
