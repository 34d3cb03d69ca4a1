-- One row per merged change whose commits' times are known: the latest of them that
-- as_of has seen.
with

links as (

    select * from {{ ref('int_changes_linked_to_deployments') }}

),

pull_request_commits as (

    select * from {{ ref('core_pull_request_commits') }}

),

final as (

    select
        links.pull_request_id,
        max(pull_request_commits.authored_at) as last_commit_at
    from links
    inner join pull_request_commits
        on links.pull_request_id = pull_request_commits.pull_request_id
    where pull_request_commits.authored_at < {{ as_of() }}
    group by links.pull_request_id

)

select * from final
