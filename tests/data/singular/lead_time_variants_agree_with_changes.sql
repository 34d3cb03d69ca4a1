-- Every change has five variants, each with a lead time or the reason for none, never
-- negative; first_commit_to_deploy is the lead time of fct_changes; DevLake's is in
-- whole minutes and the sum of its parts. Returns the changes that break one of these.
with

variants as (

    select * from {{ ref('lead_time_variants') }}

),

changes as (

    select * from {{ ref('fct_changes') }}

)

select changes.pull_request_id
from changes
left join variants
    on changes.pull_request_id = variants.pull_request_id
group by changes.pull_request_id
having count(variants.variant) <> 5

union all

select variants.pull_request_id
from variants
inner join changes
    on variants.pull_request_id = changes.pull_request_id
where
    (variants.lead_time_minutes is null) <> (variants.no_lead_time_reason is not null)
    or variants.lead_time_minutes < 0
    or variants.coding_minutes < 0
    or variants.open_minutes < 0
    or variants.deploy_minutes < 0
    or variants.pickup_minutes < 0
    or variants.review_minutes < 0
    or (variants.deployment_id is null) <> (variants.deployed_at is null)
    or (
        variants.variant = 'first_commit_to_deploy'
        and (
            coalesce(variants.no_lead_time_reason, '')
            <> coalesce(changes.no_lead_time_reason, '')
            or round(variants.lead_time_minutes * 60)
            <> changes.change_lead_time_seconds
        )
    )
    or (
        variants.variant = 'devlake_pr_cycle'
        and (
            variants.lead_time_minutes <> floor(variants.lead_time_minutes)
            or variants.lead_time_minutes
            <> coalesce(variants.coding_minutes, 0)
            + coalesce(variants.open_minutes, 0)
            + coalesce(variants.deploy_minutes, 0)
        )
    )
