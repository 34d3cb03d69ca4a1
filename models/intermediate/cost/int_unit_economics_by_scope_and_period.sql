-- One row per organization, department and team and month or quarter, dense. A scope
-- without a line of its own (is_reported false) has nulls: its cost and outcomes stand
-- where reporting_scope_id says.
with

scopes as (

    select * from {{ ref('int_scopes') }}

),

periods as (

    select * from {{ ref('int_periods') }}

),

groups as (

    select * from {{ ref('int_team_reporting_groups') }}

),

reporting_scopes as (

    select distinct
        period_type,
        period_start,
        scope_type,
        scope_id
    from {{ ref('int_reporting_scopes') }}

),

costs as (

    select * from {{ ref('int_ai_cost_by_scope_and_period') }}

),

outcomes as (

    select * from {{ ref('int_outcomes_by_scope_and_period') }}

),

users as (

    select * from {{ ref('int_ai_users_by_scope_and_period') }}

),

idle_seats as (

    select * from {{ ref('int_idle_seats_by_scope_and_period') }}

),

all_scopes as (

    select
        scope_type,
        scope_id,
        scope_name
    from scopes
    where scope_type in ('organization', 'department', 'team')

    union all

    select
        'department' as scope_type,
        'small_teams' as scope_id,
        'Teams below the minimum group' as scope_name

    union all

    select
        'team' as scope_type,
        'small_teams' as scope_id,
        'Teams below the minimum group' as scope_name

),

spine as (

    select
        all_scopes.scope_type,
        all_scopes.scope_id,
        all_scopes.scope_name,
        periods.period_type,
        periods.period_start,
        periods.period_end,
        periods.is_partial_period
    from all_scopes
    cross join periods
    where periods.period_type in ('month', 'quarter')

),

final as (

    select
        spine.scope_type,
        spine.scope_id,
        spine.scope_name,
        spine.period_type,
        spine.period_start,
        spine.period_end,
        case
            when reporting_scopes.scope_id is not null then spine.scope_id
            else coalesce(groups.reporting_team_id, 'small_teams')
        end as reporting_scope_id,
        -- No usage costs nothing; usage of which nothing has a price costs nobody knows
        -- what.
        case
            when reporting_scopes.scope_id is not null and costs.scope_id is null
                then cast(0 as numeric(38, 12))
            else cast(costs.ai_cost_usd as numeric(38, 12))
        end as ai_cost_usd,
        cast(coalesce(costs.token_count, 0) as numeric(38, 12)) as token_count,
        cast(coalesce(costs.input_token_count, 0) as numeric(38, 12))
            as input_token_count,
        cast(coalesce(costs.cache_read_token_count, 0) as numeric(38, 12))
            as cache_read_token_count,
        case
            when costs.scope_id is null then cast(0 as numeric(38, 12))
            else costs.caching_saved_usd
        end as caching_saved_usd,
        cast(coalesce(costs.caching_uncompared_token_count, 0) as numeric(38, 12))
            as caching_uncompared_token_count,
        cast(coalesce(costs.batch_token_count, 0) as numeric(38, 12))
            as batch_token_count,
        case
            when costs.scope_id is null then cast(0 as numeric(38, 12))
            else costs.batch_saved_usd
        end as batch_saved_usd,
        cast(coalesce(costs.batch_uncompared_token_count, 0) as numeric(38, 12))
            as batch_uncompared_token_count,
        cast(coalesce(costs.unpriced_token_count, 0) as numeric(38, 12))
            as unpriced_token_count,
        cast(coalesce(costs.unpriced_other_unit_count, 0) as numeric(38, 12))
            as unpriced_other_unit_count,
        coalesce(outcomes.merged_pull_request_count, 0) as merged_pull_request_count,
        coalesce(outcomes.accepted_change_count, 0) as accepted_change_count,
        coalesce(outcomes.failed_change_count, 0) as failed_change_count,
        coalesce(outcomes.fixed_change_count, 0) as fixed_change_count,
        coalesce(outcomes.successful_deployment_count, 0)
            as successful_deployment_count,
        coalesce(outcomes.finished_epic_count, 0) as finished_epic_count,
        coalesce(outcomes.finished_story_count, 0) as finished_story_count,
        idle_seats.idle_seat_cost_usd,
        users.active_user_count,
        reporting_scopes.scope_id is not null as is_reported,
        spine.is_partial_period
    from spine
    left join reporting_scopes
        on
            spine.scope_type = reporting_scopes.scope_type
            and spine.scope_id = reporting_scopes.scope_id
            and spine.period_type = reporting_scopes.period_type
            and spine.period_start = reporting_scopes.period_start
    left join groups
        on
            spine.scope_type = 'team'
            and spine.scope_id = groups.team_id
            and spine.period_type = groups.period_type
            and spine.period_start = groups.period_start
    left join costs
        on
            spine.scope_type = costs.scope_type
            and spine.scope_id = costs.scope_id
            and spine.period_type = costs.period_type
            and spine.period_start = costs.period_start
    left join outcomes
        on
            spine.scope_type = outcomes.scope_type
            and spine.scope_id = outcomes.scope_id
            and spine.period_type = outcomes.period_type
            and spine.period_start = outcomes.period_start
    left join users
        on
            spine.scope_type = users.scope_type
            and spine.scope_id = users.scope_id
            and spine.period_type = users.period_type
            and spine.period_start = users.period_start
    left join idle_seats
        on
            spine.scope_type = idle_seats.scope_type
            and spine.scope_id = idle_seats.scope_id
            and spine.period_type = idle_seats.period_type
            and spine.period_start = idle_seats.period_start

)

select * from final
