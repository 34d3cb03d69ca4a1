-- One row per pull request and issue key (PAY-12) in its title or branch.
with

records as (

    select * from {{ latest(source('github', 'pull_requests')) }}

),

final as (

    select
        'github:' || pull_request_id as pull_request_id,
        {{ explode_list('issue_keys') }} as issue_key
    from records

)

select * from final
