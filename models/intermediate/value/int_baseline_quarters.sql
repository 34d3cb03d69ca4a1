-- One row per scope with a full quarter of finished work: the first such quarter, which
-- the others are held against.
{{ config(group='quality', access='protected') }}

with

mix as (

    select * from {{ ref('int_work_mix_by_scope_and_quarter') }}

),

periods as (

    select * from {{ ref('int_periods') }}
    where period_type = 'quarter' and not is_partial_period

),

final as (

    select
        mix.scope_type,
        mix.scope_id,
        min(mix.period_start) as baseline_quarter_start
    from mix
    inner join periods
        on mix.period_start = periods.period_start
    where mix.scope_id is not null
    group by mix.scope_type, mix.scope_id

)

select * from final
