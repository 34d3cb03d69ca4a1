-- One row per merged change and variant of lead time, deployed or not; a bot's too, in
-- no period figure. lead_time_minutes or no_lead_time_reason: exactly one of them is
-- there.
with

timed as (

    select * from {{ ref('int_changes_timed_by_variant') }}

),

changes as (

    select * from {{ ref('int_changes_timed') }}

),

final as (

    select
        timed.pull_request_id,
        timed.variant,
        changes.service_id,
        changes.team_id,
        timed.deployment_id,
        timed.no_lead_time_reason,
        timed.lead_time_minutes,
        timed.coding_minutes,
        timed.open_minutes,
        timed.deploy_minutes,
        timed.pickup_minutes,
        timed.review_minutes,
        changes.is_bot_change,
        changes.merged_at,
        timed.deployed_at
    from timed
    inner join changes
        on timed.pull_request_id = changes.pull_request_id

)

select * from final
