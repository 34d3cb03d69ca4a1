-- One row per issue and pull request that did it: its tracker says so, or the pull
-- request names the issue's key.
{% set systems = env_var('VALUEMAXX_SYSTEMS', 'files git').split() %}
with

issue_pull_requests as (

    select * from {{ union_systems('issue_pull_requests') }}

),

{% if 'github' in systems and 'jira' in systems %}

keys_of_issues as (

    select * from {{ union_systems('issue_keys') }}

),

keys_in_pull_requests as (

    select * from {{ union_systems('pull_request_issue_keys') }}

),

named_issues as (

    select
        keys_of_issues.issue_id,
        keys_in_pull_requests.pull_request_id
    from keys_of_issues
    inner join keys_in_pull_requests
        on keys_in_pull_requests.issue_key = keys_of_issues.issue_key

),

{% endif %}

linked as (

    select
        issue_id,
        pull_request_id
    from issue_pull_requests
    {% if 'github' in systems and 'jira' in systems %}
    union

    select
        issue_id,
        pull_request_id
    from named_issues
    {% endif %}

),

issues as (

    select * from {{ ref('core_issues') }}

),

final as (

    select
        linked.issue_id,
        linked.pull_request_id
    from linked
    -- Not there is what as_of does not see yet.
    inner join issues
        on issues.issue_id = linked.issue_id

)

select * from final
