-- One row per merged change (pull request). Bots' changes are rows too, but in no
-- dora_* figure. change_lead_time_seconds or no_lead_time_reason: exactly one of them
-- is there.
with

changes as (

    select * from {{ ref('int_changes_timed') }}

),

final as (

    select
        pull_request_id,
        service_id,
        team_id,
        deployment_id,
        repository,
        deployment_link_method,
        no_lead_time_reason,
        cast(coding_seconds as bigint) as coding_seconds,
        cast(pickup_seconds as bigint) as pickup_seconds,
        cast(review_seconds as bigint) as review_seconds,
        cast(deploy_seconds as bigint) as deploy_seconds,
        cast(change_lead_time_seconds as bigint) as change_lead_time_seconds,
        cast(negative_stage_count as bigint) as negative_stage_count,
        is_bot_change,
        is_revert,
        is_hotfix,
        first_commit_at,
        created_at,
        first_review_at,
        merged_at,
        deployed_at
    from changes

)

select * from final
