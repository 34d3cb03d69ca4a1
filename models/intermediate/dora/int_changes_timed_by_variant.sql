-- One row per merged change and variant of lead time. A variant that cannot be told or
-- would be negative is null, and no_lead_time_reason says why.
with

changes as (

    select * from {{ ref('int_changes_timed') }}

),

last_commits as (

    select * from {{ ref('int_changes_last_committed') }}

),

like_devlake as (

    select * from {{ ref('int_changes_timed_like_devlake') }}

),

kinds as (

    select * from {{ ref('lead_time_variant_kinds') }}

),

moments as (

    select
        kinds.variant,
        changes.pull_request_id,
        case when kinds.ends_at = 'deploy' then changes.deployment_id end
            as deployment_id,
        case
            when
                kinds.ends_at = 'deploy'
                and changes.no_lead_time_reason in (
                    'no_baseline', 'no_service', 'not_deployed', 'deployed_before_merge'
                )
                then changes.no_lead_time_reason
        end as no_deployment_reason,
        kinds.reason_if_negative,
        kinds.starts_at,
        changes.created_at,
        changes.merged_at,
        case when kinds.ends_at = 'deploy' then changes.deployed_at end as deployed_at,
        case kinds.starts_at
            when 'first_commit' then changes.first_commit_at
            when 'last_commit' then last_commits.last_commit_at
            when 'merge' then changes.merged_at
        end as started_at,
        case kinds.ends_at
            when 'deploy' then changes.deployed_at
            when 'merge' then changes.merged_at
        end as ended_at
    from changes
    inner join kinds
        on kinds.starts_at <> 'parts'
    left join last_commits
        on changes.pull_request_id = last_commits.pull_request_id

),

final as (

    select
        pull_request_id,
        variant,
        deployment_id,
        case
            when no_deployment_reason is not null then no_deployment_reason
            when started_at is null then 'no_commits'
            when ended_at < started_at then reason_if_negative
        end as no_lead_time_reason,
        case
            when starts_at = 'first_commit'
                then {{ minutes_between('started_at', 'created_at') }}
        end as coding_minutes,
        case
            when starts_at = 'first_commit'
                then {{ minutes_between('created_at', 'merged_at') }}
        end as open_minutes,
        {{ minutes_between('merged_at', 'deployed_at') }} as deploy_minutes,
        cast(null as double precision) as pickup_minutes,
        cast(null as double precision) as review_minutes,
        case
            when no_deployment_reason is null
                then {{ minutes_between('started_at', 'ended_at') }}
        end as lead_time_minutes,
        deployed_at
    from moments

    union all

    select
        like_devlake.pull_request_id,
        kinds.variant,
        like_devlake.deployment_id,
        case
            when like_devlake.cycle_minutes is null then kinds.reason_if_negative
        end as no_lead_time_reason,
        like_devlake.coding_minutes,
        like_devlake.open_minutes,
        like_devlake.deploy_minutes,
        like_devlake.pickup_minutes,
        like_devlake.review_minutes,
        like_devlake.cycle_minutes as lead_time_minutes,
        like_devlake.deployed_at
    from like_devlake
    inner join kinds
        on kinds.starts_at = 'parts'

)

select * from final
