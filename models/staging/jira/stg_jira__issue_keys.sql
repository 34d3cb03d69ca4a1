-- One row per issue and key that it has, or had when it was read: a pull request may
-- name an old one.
with

records as (

    select * from {{ latest(source('jira', 'issue_keys')) }}

),

final as (

    select
        'jira:' || issue_id as issue_id,
        issue_key
    from records

)

select * from final
