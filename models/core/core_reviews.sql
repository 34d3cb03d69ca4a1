-- One row per review or review comment. Those of a pull request that is left out are,
-- too.
with

reviews as (

    select * from {{ union_systems('reviews') }}

),

left_out as (

    select * from {{ ref('core_left_out_pull_requests') }}

),

identities as (

    select * from {{ ref('core_identities') }}

),

final as (

    select
        reviews.review_id,
        reviews.pull_request_id,
        coalesce(identities.person_id, reviews.reviewer_id) as reviewer_id,
        reviews.state,
        reviews.comment_count,
        coalesce(reviews.reviewer_is_bot, false) as reviewer_is_bot,
        reviews.submitted_at
    from reviews
    left join left_out
        on left_out.pull_request_id = reviews.pull_request_id
    left join identities
        on identities.handle_id = reviews.reviewer_id
    where
        reviews.submitted_at < {{ as_of() }}
        and left_out.pull_request_id is null

)

select * from final
