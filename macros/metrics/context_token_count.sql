{#-
    Where a class of context windows begins, in tokens: prompts were longer than that.
    Without a word, 0: the class with the lowest price.

    usage:  {{ context_token_count('context_window') }} as context_token_count
    output: bigint; "0-200k" gives 0, "200k-1M" 200000, ">128000" 128000
-#}
{% macro context_token_count(context_window) -%}
    {%- set word = 'lower(' ~ context_window ~ ')' -%}
    coalesce(
        cast({{ regex_capture(word, '^[^0-9]*([0-9]{1,9})') }} as bigint)
        * case {{ regex_capture(word, '^[^0-9]*[0-9]+ *([km])') }}
            when 'k' then 1000
            when 'm' then 1000000
            else 1
        end,
        0
    )
{%- endmacro %}
