-- One row per merged change that no bot wrote: whether what it cost was well spent. A
-- change that is not deployed yet is neither accepted nor failed.
with

changes as (

    select * from {{ ref('int_changes_timed') }}

),

deployments as (

    select * from {{ ref('int_deployments_judged') }}

),

fixed as (

    select * from {{ ref('int_changes_fixed') }}

),

final as (

    select
        changes.pull_request_id,
        changes.team_id,
        coalesce(not deployments.is_failed, false)
        and fixed.pull_request_id is null as is_accepted,
        coalesce(deployments.is_failed, false) as is_failed,
        fixed.pull_request_id is not null as is_fixed,
        changes.merged_at
    from changes
    left join deployments
        on changes.deployment_id = deployments.deployment_id
    left join fixed
        on changes.pull_request_id = fixed.pull_request_id
    where not changes.is_bot_change

)

select * from final
