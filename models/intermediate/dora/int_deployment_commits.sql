-- One row per production deployment and commit that it ships. A baseline ships
-- everything that was there before deployments were known, so it dates nothing.
with

deployments as (

    select * from {{ ref('int_deployments_numbered') }}

),

deployment_commits as (

    select * from {{ ref('core_deployment_commits') }}

),

ranges as (

    select * from {{ ref('int_deployments_ranged') }}

),

commits as (

    select * from {{ ref('core_commits') }}

),

listed as (

    select
        deployments.deployment_id,
        deployment_commits.commit_sha,
        deployment_commits.link_method,
        deployments.is_baseline
    from deployments
    inner join deployment_commits
        on deployments.deployment_id = deployment_commits.deployment_id

),

range_positions as (

    select
        deployment_id,
        repository,
        is_baseline,
        {{ explode_range('first_position', 'last_position') }} as mainline_position
    from ranges

),

derived as (

    select
        range_positions.deployment_id,
        commits.commit_sha,
        'commit_range' as link_method,
        range_positions.is_baseline
    from range_positions
    inner join commits
        on
            range_positions.repository = commits.repository
            and range_positions.mainline_position = commits.mainline_position

),

shipped as (

    select
        deployment_id,
        commit_sha,
        link_method,
        is_baseline
    from listed
    union all
    select
        deployment_id,
        commit_sha,
        link_method,
        is_baseline
    from derived

),

final as (

    select
        shipped.deployment_id,
        shipped.commit_sha,
        deployments.service_id,
        shipped.link_method,
        deployments.deployment_number,
        shipped.is_baseline,
        deployments.finished_at
    from shipped
    inner join deployments
        on shipped.deployment_id = deployments.deployment_id

)

select * from final
