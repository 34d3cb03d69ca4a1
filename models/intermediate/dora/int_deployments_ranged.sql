-- One row per production deployment that ships a stretch of the main line and whose
-- source does not list its commits: the positions after the furthest one its service
-- had deployed, up to its own. The first is the baseline. Where a source has counted
-- ranges of commits itself, its word stands.
with

deployments as (

    select * from {{ ref('int_deployments_numbered') }}

),

commits as (

    select * from {{ ref('core_commits') }}

),

deployment_commits as (

    select * from {{ ref('core_deployment_commits') }}

),

positions as (

    select
        deployments.deployment_id,
        deployments.service_id,
        deployments.deployment_number,
        commits.repository,
        commits.mainline_position,
        row_number() over (
            partition by deployments.deployment_id
            order by
                case when commits.repository = deployments.repository then 0 else 1 end,
                {{ byte_order('commits.repository') }}
        ) as repository_rank
    from deployments
    inner join commits
        on deployments.commit_sha = commits.commit_sha
    where commits.mainline_position is not null

),

stretches as (

    select
        deployment_id,
        service_id,
        repository,
        mainline_position as last_position,
        max(mainline_position) over (
            partition by service_id, repository
            order by deployment_number
            rows between unbounded preceding and 1 preceding
        ) as furthest_position
    from positions
    where repository_rank = 1

),

listed as (

    select
        deployments.deployment_id,
        deployments.service_id,
        max(
            case when deployment_commits.link_method = 'commit_range' then 1 else 0 end
        ) as has_range
    from deployments
    inner join deployment_commits
        on deployments.deployment_id = deployment_commits.deployment_id
    group by deployments.deployment_id, deployments.service_id

),

ranged_services as (

    select service_id
    from listed
    where has_range = 1
    group by service_id

),

final as (

    select
        stretches.deployment_id,
        stretches.repository,
        coalesce(stretches.furthest_position, 0) + 1 as first_position,
        stretches.last_position,
        stretches.furthest_position is null as is_baseline
    from stretches
    left join listed
        on stretches.deployment_id = listed.deployment_id
    left join ranged_services
        on stretches.service_id = ranged_services.service_id
    where
        listed.deployment_id is null
        and ranged_services.service_id is null
        and stretches.last_position > coalesce(stretches.furthest_position, 0)

)

select * from final
