-- A change has either a lead time or the reason for none, never both; its lead time
-- and stages are never negative; it has a deployment exactly where it has the
-- deployment's time and link. Returns the changes that break one of these.
select pull_request_id
from {{ ref('fct_changes') }}
where
    (change_lead_time_seconds is null) <> (no_lead_time_reason is not null)
    or change_lead_time_seconds < 0
    or coding_seconds < 0
    or pickup_seconds < 0
    or review_seconds < 0
    or deploy_seconds < 0
    or negative_stage_count not between 0 and 4
    or (deployment_id is null) <> (deployed_at is null)
    or (deployment_id is null) <> (deployment_link_method is null)
    or (change_lead_time_seconds is not null and deployed_at < merged_at)
    or (
        no_lead_time_reason in ('no_baseline', 'not_deployed')
        and deployment_id is not null
    )
