-- Quality and DORA count the same merged changes, team by team.
with

monthly as (

    select
        period_start,
        scope_id as team_id,
        merged_pull_request_count
    from {{ ref('quality_monthly') }}
    where scope_type = 'team'

),

changes as (

    select
        {{ period_start('month', 'merged_at') }} as period_start,
        team_id,
        count(*) as change_count
    from {{ ref('fct_changes') }}
    where not is_bot_change
    group by {{ period_start('month', 'merged_at') }}, team_id

)

select
    monthly.period_start,
    monthly.team_id,
    monthly.merged_pull_request_count,
    changes.change_count
from monthly
left join changes
    on
        monthly.period_start = changes.period_start
        and monthly.team_id = changes.team_id
where monthly.merged_pull_request_count <> coalesce(changes.change_count, 0)
