{#-
    The tier as prices know it, and whether it is a batch: `default` is standard, as no word
    is, and the tier `batch` is a batch of the standard tier. Usage and contracts alike.

    usage:  {{ service_tier('service_tier') }} as service_tier,
            {{ is_batch('service_tier', 'is_batch') }} as is_batch
    output: text, lower case as it came; boolean; never null
-#}
{% macro service_tier(tier) -%}
    case
        when {{ tier }} in ('default', 'batch') then 'standard'
        else coalesce({{ tier }}, 'standard')
    end
{%- endmacro %}

{% macro is_batch(tier, batch) -%}
    coalesce({{ batch }}, false) or coalesce({{ tier }} = 'batch', false)
{%- endmacro %}
