{#-
    What an article counts, in the words of a bill.

    usage:  {{ focus_meter('sku_meter') }} as "SkuMeter"
    output: text; null stays null
-#}
{% macro focus_meter(sku_meter) -%}
    case {{ sku_meter }}
        when 'uncached_input' then 'Uncached Input Tokens'
        when 'cache_read' then 'Cache Read Tokens'
        when 'cache_write_5m' then 'Cache Write Tokens 5m'
        when 'cache_write_1h' then 'Cache Write Tokens 1h'
        when 'output' then 'Output Tokens'
        when 'seat' then 'Seats'
        when 'charge' then 'Charges'
    end
{%- endmacro %}
