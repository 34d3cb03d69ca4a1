{#-
    One row per these columns: no two rows have the same values in all of them, null being a
    value like any other; and the columns of `never_null` are never null. One test and one scan
    for both, because every run pays for every test. A failing row is a key, how many rows have
    it, and in how many of them something is null.

    usage:  data_tests: [{grain: {arguments: {columns: [repository, commit_sha]}}}]
-#}
{% test grain(model, columns, never_null=[]) %}

{% set some_null -%}
{% for column in never_null %}{{ column }} is null{{ ' or ' if not loop.last }}{% endfor %}
{%- endset %}

select
    {{ columns | join(', ') }},
    count(*) as row_count,
    count(case when {{ some_null or 'false' }} then 1 end) as null_count
from {{ model }}
group by {{ columns | join(', ') }}
having
    count(*) > 1
    or count(case when {{ some_null or 'false' }} then 1 end) > 0

{% endtest %}
