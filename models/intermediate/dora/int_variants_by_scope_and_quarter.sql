-- One row per scope, quarter and variant in which a change has the variant. Each
-- variant counts by its own moment and is summed up by its own convention: continuous,
-- or the largest value whose percent rank is at most 0.5 (0.9).
with

timed as (

    select * from {{ ref('int_changes_timed_by_variant') }}

),

changes as (

    select * from {{ ref('int_changes_timed') }}

),

kinds as (

    select * from {{ ref('lead_time_variant_kinds') }}

),

teams as (

    select * from {{ ref('core_teams') }}

),

team_scopes as (

    select * from {{ ref('int_team_scopes') }}

),

dated as (

    select
        timed.variant,
        kinds.summary_method,
        changes.team_id,
        changes.service_id,
        teams.department_id,
        round(timed.lead_time_minutes * 60) as lead_time_seconds,
        {{ period_start(
            'quarter',
            "case kinds.dated_by when 'deployed_at' then timed.deployed_at"
            ~ " when 'merged_at' then changes.merged_at end"
        ) }} as period_start
    from timed
    inner join changes
        on timed.pull_request_id = changes.pull_request_id
    inner join teams
        on changes.team_id = teams.team_id
    inner join kinds
        on timed.variant = kinds.variant
    where
        timed.lead_time_minutes is not null
        and not changes.is_bot_change

),

continuous as (

    select
        {{ grouped_scope_type() }} as scope_type,
        {{ grouped_scope_id() }} as scope_id,
        period_start,
        variant,
        count(*) as change_count,
        {{ percentile('lead_time_seconds', 0.5) }} as median_seconds,
        {{ percentile('lead_time_seconds', 0.9) }} as p90_seconds
    from dated
    group by {{ scope_grouping_sets(['period_start', 'variant']) }}

),

-- The tool's own summary needs every change's rank in each of its scopes.
in_scopes as (

    select
        team_scopes.scope_type,
        team_scopes.scope_id,
        dated.period_start,
        dated.variant,
        dated.lead_time_seconds
    from dated
    inner join team_scopes
        on dated.team_id = team_scopes.team_id
    where dated.summary_method = 'lower'

    union all

    select
        'service' as scope_type,
        service_id as scope_id,
        period_start,
        variant,
        lead_time_seconds
    from dated
    where summary_method = 'lower' and service_id is not null

),

ranked as (

    select
        scope_type,
        scope_id,
        period_start,
        variant,
        lead_time_seconds,
        count(*) over (
            partition by scope_type, scope_id, period_start, variant
        ) as change_count,
        rank() over (
            partition by scope_type, scope_id, period_start, variant
            order by lead_time_seconds
        ) as lead_time_rank
    from in_scopes

),

lower_ranked as (

    select
        scope_type,
        scope_id,
        period_start,
        variant,
        -- In whole numbers: a percent rank of exactly 0.9 must not depend on rounding.
        max(
            case
                when 10 * (lead_time_rank - 1) <= 5 * (change_count - 1)
                    then lead_time_seconds
            end
        ) as lower_median_seconds,
        max(
            case
                when 10 * (lead_time_rank - 1) <= 9 * (change_count - 1)
                    then lead_time_seconds
            end
        ) as lower_p90_seconds
    from ranked
    group by scope_type, scope_id, period_start, variant

),

final as (

    select
        continuous.scope_type,
        continuous.scope_id,
        continuous.period_start,
        continuous.variant,
        continuous.change_count,
        {{ hours('continuous.median_seconds') }} as median_hours,
        {{ hours('continuous.p90_seconds') }} as p90_hours,
        {{ hours('lower_ranked.lower_median_seconds') }} as lower_median_hours,
        {{ hours('lower_ranked.lower_p90_seconds') }} as lower_p90_hours
    from continuous
    left join lower_ranked
        on
            continuous.scope_type = lower_ranked.scope_type
            and continuous.scope_id = lower_ranked.scope_id
            and continuous.period_start = lower_ranked.period_start
            and continuous.variant = lower_ranked.variant
    where continuous.scope_id is not null

)

select * from final
