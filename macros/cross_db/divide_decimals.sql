{#-
    A decimal divided by another one, rounded half away from zero, no float anywhere.
    Null over nothing.

    usage:  {{ divide_decimals('amount_usd', 12, 'usd_per_unit', 9, 2) }}
            (each number is followed by its decimals; the last ones are the result's)
    output: numeric(38, decimals)

    DuckDB divides decimals as doubles; whole numbers it divides exactly, up to 38 digits:
    the dividend stays below 10^13 and, with the decimals that it gains, below 10^37.
-#}
{% macro divide_decimals(dividend, dividend_scale, divisor, divisor_scale, scale) -%}
    {{ return(adapter.dispatch('divide_decimals', 'valuemaxx')(
        dividend, dividend_scale, divisor, divisor_scale, scale
    )) }}
{%- endmacro %}

{% macro duckdb__divide_decimals(
    dividend, dividend_scale, divisor, divisor_scale, scale
) -%}
    {%- set gained = scale + divisor_scale - dividend_scale -%}
    {%- set above = '1' ~ '0' * [gained, 0] | max -%}
    {%- set below = '1' ~ '0' * [-gained, 0] | max -%}
    {%- set whole_dividend = whole_number('abs(' ~ dividend ~ ')', dividend_scale) -%}
    {%- set whole_divisor = whole_number('abs(' ~ divisor ~ ')', divisor_scale) -%}
    cast(
        case when ({{ dividend }} < 0) <> ({{ divisor }} < 0) then -1 else 1 end
        * cast(
            (
                2 * {{ whole_dividend }} * cast({{ above }} as hugeint)
                + {{ whole_divisor }} * cast({{ below }} as hugeint)
            ) // nullif(2 * {{ whole_divisor }} * cast({{ below }} as hugeint), 0)
            as decimal(37, 0)
        ) * cast({{ '1' if scale == 0 else '0.' ~ '0' * (scale - 1) ~ '1' }}
            as decimal({{ scale + 1 }}, {{ scale }}))
        as decimal(38, {{ scale }})
    )
{%- endmacro %}

{% macro postgres__divide_decimals(
    dividend, dividend_scale, divisor, divisor_scale, scale
) -%}
    cast(
        case when ({{ dividend }} < 0) <> ({{ divisor }} < 0) then -1 else 1 end
        * div(
            2 * abs(cast({{ dividend }} as numeric)) * {{ '1' ~ '0' * scale }}
            + abs(cast({{ divisor }} as numeric)),
            nullif(2 * abs(cast({{ divisor }} as numeric)), 0)
        ) * {{ '1' if scale == 0 else '0.' ~ '0' * (scale - 1) ~ '1' }}
        as numeric(38, {{ scale }})
    )
{%- endmacro %}

{#- A decimal of DuckDB in units of its last place, for arithmetic on whole numbers. -#}
{% macro whole_number(number, scale) -%}
    cast(
        cast({{ number }} as decimal({{ 28 if scale < 12 else 25 }}, {{ scale }}))
        * cast(1{{ '0' * scale }} as decimal({{ scale + 1 }}, 0)) as hugeint
    )
{%- endmacro %}
