-- One row per reviewed merged change: its first review by a known person who is neither
-- its author nor a bot.
with

pull_requests as (

    select * from {{ ref('core_pull_requests') }}

),

reviews as (

    select * from {{ ref('core_reviews') }}

),

final as (

    select
        pull_requests.pull_request_id,
        min(reviews.submitted_at) as first_review_at
    from pull_requests
    inner join reviews
        on pull_requests.pull_request_id = reviews.pull_request_id
    where
        pull_requests.merged_at is not null
        and reviews.reviewer_id is not null
        and not coalesce(reviews.reviewer_is_bot, false)
        and reviews.reviewer_id <> coalesce(pull_requests.author_id, '')
    group by pull_requests.pull_request_id

)

select * from final
