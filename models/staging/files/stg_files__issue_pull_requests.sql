-- One row per issue and pull request that its feed names as its work.
with

records as (

    select * from {{ latest(source('files', 'issues')) }}

),

named as (

    select
        issue_id,
        {{ explode_list('pull_request_ids') }} as pull_request_id
    from records

),

final as (

    select
        'files:' || issue_id as issue_id,
        {{ entity_id('files', 'pull_request_id') }} as pull_request_id
    from named

)

select * from final
