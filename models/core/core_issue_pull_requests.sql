-- One row per issue and pull request that did it.
with

issue_pull_requests as (

    select * from {{ union_systems('issue_pull_requests', ['files']) }}

),

issues as (

    select * from {{ ref('core_issues') }}

),

final as (

    select distinct
        issue_pull_requests.issue_id,
        issue_pull_requests.pull_request_id
    from issue_pull_requests
    -- Not there is what as_of does not see yet.
    inner join issues
        on issues.issue_id = issue_pull_requests.issue_id

)

select * from final
