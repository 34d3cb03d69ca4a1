-- Every line is in one team, one department and the organization, so each kind of scope
-- adds up to the same; and a quarter is its months. What idle seats cost is hidden in
-- some scopes: where it is told, the organization's quarter is its months.
{% set measures = [
    'ai_cost_usd', 'token_count', 'caching_saved_usd', 'caching_uncompared_token_count',
    'batch_saved_usd', 'batch_uncompared_token_count', 'merged_pull_request_count',
    'accepted_change_count', 'failed_change_count', 'fixed_change_count',
    'successful_deployment_count', 'finished_epic_count', 'finished_story_count'
] %}
with

all_scopes as (

    {%- for period in ['month', 'quarter'] %}
    select
        '{{ period }}' as period_type,
        period_start,
        {{ period_start('quarter', 'period_start') }} as quarter_start,
        scope_type,
        idle_seat_cost_usd,
        {{ measures | join(', ') }}
    from {{ ref('unit_economics_' ~ period ~ 'ly') }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}

),

totals as (

    select
        {%- for measure in measures %}
        sum(coalesce({{ measure }}, 0)) as {{ measure }},
        {%- endfor %}
        case
            when
                scope_type = 'organization'
                and count(*) = count(idle_seat_cost_usd)
                then sum(idle_seat_cost_usd)
        end as idle_seat_cost_usd,
        period_type,
        quarter_start,
        scope_type
    from all_scopes
    group by period_type, quarter_start, scope_type

)

select
    quarter_start,
    count(*) as scope_count
from totals
group by quarter_start
having
    count(*) <> 6
    or count(idle_seat_cost_usd) = 1
    or min(idle_seat_cost_usd) <> max(idle_seat_cost_usd)
    {%- for measure in measures %}
    or min({{ measure }}) <> max({{ measure }})
    {%- endfor %}

union all

-- Epics are those that the divergence counts.
select
    economics.period_start as quarter_start,
    1 as scope_count
from {{ ref('unit_economics_quarterly') }} as economics
inner join {{ ref('divergence_quarterly') }} as divergence
    on
        economics.scope_type = divergence.scope_type
        and economics.period_start = divergence.period_start
where
    economics.scope_type = 'organization'
    and not economics.is_partial_period
    and economics.finished_epic_count <> divergence.whole_day_finished_epic_count
