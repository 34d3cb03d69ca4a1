-- One row per mix of teams, vendor, model, token class, unit, tier, context size, batch
-- or not, and day. What is not counted in tokens has the class 'other' and keeps the
-- name of its unit.
with

usage_by_mix as (

    select * from {{ ref('int_ai_usage_by_team_mix') }}

),

classes as (

    {%- for token_class in [
        'uncached_input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'output'
    ] %}
    select
        team_mix_id,
        vendor,
        model,
        '{{ token_class }}' as token_class,
        'token' as unit_name,
        service_tier,
        context_token_count,
        cast({{ token_class }}_token_count as numeric(29, 9)) as quantity,
        is_batch,
        usage_date
    from usage_by_mix
    where {{ token_class }}_token_count > 0

    union all
    {% endfor %}
    select
        team_mix_id,
        vendor,
        model,
        'other' as token_class,
        coalesce(other_unit_name, 'unknown') as unit_name,
        service_tier,
        context_token_count,
        cast(other_unit_quantity as numeric(29, 9)) as quantity,
        is_batch,
        usage_date
    from usage_by_mix
    where other_unit_quantity > 0

),

final as (

    select
        team_mix_id,
        vendor,
        model,
        token_class,
        unit_name,
        service_tier,
        context_token_count,
        cast(sum(quantity) as numeric(29, 9)) as quantity,
        is_batch,
        usage_date
    from classes
    group by
        team_mix_id,
        vendor,
        model,
        token_class,
        unit_name,
        service_tier,
        context_token_count,
        is_batch,
        usage_date

)

select * from final
