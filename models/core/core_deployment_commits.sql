-- One row per commit that a deployment newly ships, and how that is known. Those of a
-- deployment that another system gives, or that as_of does not see yet, are left out.
with

deployment_commits as (

    select * from {{ union_systems('deployment_commits') }}

),

staged_deployments as (

    select * from {{ union_systems('deployments') }}

),

deployments as (

    select * from {{ ref('core_deployments') }}

),

left_out as (

    select staged_deployments.deployment_id
    from staged_deployments
    left join deployments
        on deployments.deployment_id = staged_deployments.deployment_id
    where deployments.deployment_id is null

),

final as (

    select
        deployment_commits.deployment_id,
        deployment_commits.commit_sha,
        deployment_commits.link_method
    from deployment_commits
    left join left_out
        on left_out.deployment_id = deployment_commits.deployment_id
    where left_out.deployment_id is null

)

select * from final
