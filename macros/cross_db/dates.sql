{#-
    The first day of the week (Monday), month or fiscal quarter that a day or moment lies in.

    usage:  {{ period_start('month', 'merged_at') }} as month_start
    output: date

    Fiscal quarters begin 0, 1 or 2 months after those of the calendar.
-#}
{% macro period_start(period_type, moment) -%}
    {%- set months = (var('fiscal_year_start_month') - 1) % 3 -%}
    {%- if period_type != 'quarter' or months == 0 -%}
        {{ return(calendar_period_start(period_type, moment)) }}
    {%- endif -%}
    {#- A month before May 31 is April 30: the day may change, its month is right. -#}
    {%- set moved = add_to_date(moment, -months, 'month') -%}
    {{ return(add_to_date(calendar_period_start('quarter', moved), months, 'month')) }}
{%- endmacro %}

{#-
    The first day of the week (Monday), month or quarter of the calendar.

    usage:  for period_start alone
    output: date
-#}
{% macro calendar_period_start(period_type, moment) -%}
    {{ return(adapter.dispatch('calendar_period_start', 'valuemaxx')(period_type, moment)) }}
{%- endmacro %}

{% macro duckdb__calendar_period_start(period_type, moment) -%}
    cast(date_trunc('{{ period_type }}', {{ moment }}) as date)
{%- endmacro %}

{% macro postgres__calendar_period_start(period_type, moment) -%}
    cast(date_trunc('{{ period_type }}', cast({{ moment }} as timestamp)) as date)
{%- endmacro %}

{#-
    A day some days, months or years later; the unit is `day`, `month` or `year`.

    usage:  {{ add_to_date('month_start', 1, 'month') }} as next_month_start
    output: date
-#}
{% macro add_to_date(day, count, unit) -%}
    {{ return(adapter.dispatch('add_to_date', 'valuemaxx')(day, count, unit)) }}
{%- endmacro %}

{% macro duckdb__add_to_date(day, count, unit) -%}
    cast({{ day }} + ({{ count }}) * interval '1 {{ unit }}' as date)
{%- endmacro %}

{% macro postgres__add_to_date(day, count, unit) -%}
    cast({{ day }} + ({{ count }}) * interval '1 {{ unit }}' as date)
{%- endmacro %}

{#-
    Days from one date to a later one; negative if it is earlier.

    usage:  {{ days_between('period_start', 'period_end') }} as day_count
    output: bigint
-#}
{% macro days_between(earlier, later) -%}
    {{ return(adapter.dispatch('days_between', 'valuemaxx')(earlier, later)) }}
{%- endmacro %}

{% macro duckdb__days_between(earlier, later) -%}
    cast({{ later }} - {{ earlier }} as bigint)
{%- endmacro %}

{% macro postgres__days_between(earlier, later) -%}
    cast({{ later }} - {{ earlier }} as bigint)
{%- endmacro %}

{#-
    Every day from one to another, both included, as a relation for a `from` clause.

    usage:  select date_day from {{ days_from_to('first_day', 'last_day', 'bounds') }}
    output: date_day, date; `bounds` must be a relation of one row with both columns
-#}
{% macro days_from_to(first_day, last_day, bounds) -%}
    {{ return(adapter.dispatch('days_from_to', 'valuemaxx')(first_day, last_day, bounds)) }}
{%- endmacro %}

{% macro duckdb__days_from_to(first_day, last_day, bounds) -%}
    (
        select cast(unnest(
            generate_series({{ first_day }}, {{ last_day }}, interval '1 day')
        ) as date) as date_day
        from {{ bounds }}
    ) as days
{%- endmacro %}

{% macro postgres__days_from_to(first_day, last_day, bounds) -%}
    (
        select cast(
            generate_series({{ first_day }}, {{ last_day }}, interval '1 day') as date
        ) as date_day
        from {{ bounds }}
    ) as days
{%- endmacro %}
