{#-
    No two rows have the same values in all of these columns; null is a value like any other.

    usage:  data_tests: [{unique_combination: {arguments: {columns: [repository, commit_sha]}}}]
-#}
{% test unique_combination(model, columns) %}

select
    {{ columns | join(', ') }},
    count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1

{% endtest %}
