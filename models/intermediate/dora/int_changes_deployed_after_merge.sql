-- One row per merged change of a repository whose deployments carry no commits at all:
-- deployed by the first deployment of the repository's only service that finishes at or
-- after the merge.
with

pull_requests as (

    select * from {{ ref('core_pull_requests') }}

),

only_services as (

    select * from {{ ref('int_repositories_of_one_service') }}

),

deployments as (

    select * from {{ ref('int_deployments_numbered') }}

),

deployment_commits as (

    select * from {{ ref('int_deployment_commits') }}

),

services_with_commits as (

    select service_id
    from deployment_commits
    group by service_id

),

repositories as (

    select
        only_services.repository,
        only_services.service_id
    from only_services
    left join services_with_commits
        on only_services.service_id = services_with_commits.service_id
    where services_with_commits.service_id is null

),

moments as (

    select
        repositories.service_id,
        pull_requests.pull_request_id,
        pull_requests.merged_at as moment,
        0 as is_deployment
    from pull_requests
    inner join repositories
        on pull_requests.repository = repositories.repository
    where pull_requests.merged_at is not null

    union all

    select
        deployments.service_id,
        null as pull_request_id,
        deployments.finished_at as moment,
        1 as is_deployment
    from deployments
    inner join repositories
        on deployments.service_id = repositories.service_id

),

counted as (

    select
        service_id,
        pull_request_id,
        sum(is_deployment) over (
            partition by service_id
            order by moment, is_deployment
            rows between unbounded preceding and current row
        ) as earlier_deployment_count
    from moments

),

final as (

    select
        counted.pull_request_id,
        deployments.deployment_id,
        deployments.service_id,
        deployments.finished_at
    from counted
    inner join deployments
        on
            counted.service_id = deployments.service_id
            and counted.earlier_deployment_count + 1 = deployments.deployment_number
    where counted.pull_request_id is not null

)

select * from final
