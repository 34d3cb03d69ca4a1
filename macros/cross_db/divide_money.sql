{#-
    An amount of money, not negative and below 10^13, divided by a count: 12 decimals,
    the last one rounded half up, no float anywhere. Null over nothing.

    usage:  {{ divide_money('ai_cost_usd', 'merged_pull_request_count') }}
    output: numeric(38, 12)

    DuckDB divides decimals as doubles; whole numbers it divides exactly.
-#}
{% macro divide_money(amount, count) -%}
    {{ return(adapter.dispatch('divide_money', 'valuemaxx')(amount, count)) }}
{%- endmacro %}

{% macro duckdb__divide_money(amount, count) -%}
    cast(
        cast(
            (
                2 * cast(
                    cast({{ amount }} as decimal(25, 12))
                    * cast(1000000000000 as decimal(13, 0)) as hugeint
                ) + {{ count }}
            ) // (2 * nullif({{ count }}, 0)) as decimal(26, 0)
        ) * cast(0.000000000001 as decimal(12, 12)) as decimal(38, 12)
    )
{%- endmacro %}

{% macro postgres__divide_money(amount, count) -%}
    cast(round({{ amount }} / nullif({{ count }}, 0), 12) as numeric(38, 12))
{%- endmacro %}
