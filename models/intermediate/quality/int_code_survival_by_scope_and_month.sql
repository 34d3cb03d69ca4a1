-- One row per scope that is reported in a month, class of AI evidence and age, dense.
-- Counts are null where they are withheld, and where the lake knows no line history.
with

scopes as (

    select distinct
        scope_type,
        scope_id,
        period_start
    from {{ ref('int_reporting_scopes') }}
    where period_type = 'month'

),

names as (

    select * from {{ ref('int_scopes') }}

),

counted as (

    select * from {{ ref('int_lines_by_scope_and_month') }}

),

withheld as (

    select * from {{ ref('int_lines_withheld_scopes') }}

),

history as (

    select count(*) > 0 as is_known from {{ ref('core_line_births') }}

),

classes as (

    select
        ai_assistances.ai_assistance,
        ages.age_days
    from (
        values ('ai_assisted'), ('no_evidence')
    ) as ai_assistances (ai_assistance)
    cross join (values (14), (30), (90), (180), (365)) as ages (age_days)

),

spine as (

    select
        scopes.scope_type,
        scopes.scope_id,
        coalesce(names.scope_name, 'Teams below the minimum group') as scope_name,
        scopes.period_start,
        classes.ai_assistance,
        classes.age_days,
        withheld.scope_id is null as is_reported,
        withheld.scope_id is null and history.is_known as is_counted
    from scopes
    cross join classes
    cross join history
    left join names
        on
            scopes.scope_type = names.scope_type
            and scopes.scope_id = names.scope_id
    left join withheld
        on
            scopes.scope_type = withheld.scope_type
            and scopes.scope_id = withheld.scope_id
            and scopes.period_start = withheld.period_start

),

final as (

    select
        spine.scope_type,
        spine.scope_id,
        spine.scope_name,
        spine.period_start,
        spine.ai_assistance,
        spine.age_days,
        spine.is_reported,
        case when spine.is_counted then coalesce(counted.change_count, 0) end
            as change_count,
        case when spine.is_counted then coalesce(counted.line_count, 0) end
            as line_count,
        case when spine.is_counted then coalesce(counted.surviving_line_count, 0) end
            as surviving_line_count
    from spine
    left join counted
        on
            spine.scope_type = counted.scope_type
            and spine.scope_id = counted.scope_id
            and spine.period_start = counted.period_start
            and spine.ai_assistance = counted.ai_assistance
            and spine.age_days = counted.age_days

)

select * from final
