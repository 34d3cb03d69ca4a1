-- One row per review that was handed in.
with

records as (

    select * from {{ latest(source('github', 'reviews')) }}

),

final as (

    select
        'github:' || review_id as review_id,
        'github:' || pull_request_id as pull_request_id,
        reviewer_id,
        state,
        comment_count,
        reviewer_is_bot,
        submitted_at
    from records

)

select * from final
