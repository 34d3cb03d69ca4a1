-- One row per issue of GitHub and pull request that closes it.
with

records as (

    select * from {{ latest(source('github', 'pull_requests')) }}

),

named as (

    select
        pull_request_id,
        {{ explode_list('closing_issue_ids') }} as issue_id
    from records

),

final as (

    select
        'github:' || issue_id as issue_id,
        'github:' || pull_request_id as pull_request_id
    from named

)

select * from final
