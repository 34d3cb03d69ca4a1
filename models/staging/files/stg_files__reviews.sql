-- One row per review or review comment.
with

records as (

    select * from {{ latest(source('files', 'reviews')) }}

),

final as (

    select
        'files:' || review_id as review_id,
        {{ entity_id('files', 'pull_request_id') }} as pull_request_id,
        reviewer_id,
        state,
        comment_count,
        reviewer_is_bot,
        submitted_at
    from records

)

select * from final
