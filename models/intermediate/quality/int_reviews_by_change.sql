-- One row per merged change that a known person other than its author, and no bot,
-- reviewed before it merged.
with

pull_requests as (

    select * from {{ ref('core_pull_requests') }}

),

reviews as (

    select * from {{ ref('core_reviews') }}

),

counted_reviews as (

    select
        reviews.pull_request_id,
        reviews.state,
        -- A comment without a count is one comment.
        coalesce(
            reviews.comment_count,
            case when reviews.state = 'commented' then 1 else 0 end
        ) as comment_count,
        reviews.submitted_at,
        max(reviews.submitted_at) over (
            partition by reviews.pull_request_id
        ) as last_submitted_at
    from reviews
    inner join pull_requests
        on reviews.pull_request_id = pull_requests.pull_request_id
    where
        reviews.reviewer_id is not null
        and not reviews.reviewer_is_bot
        and reviews.reviewer_id <> coalesce(pull_requests.author_id, '')
        and reviews.submitted_at <= pull_requests.merged_at

),

final as (

    select
        pull_request_id,
        count(*) as review_count,
        sum(comment_count) as review_comment_count,
        -- A round: changes were asked for, and somebody looked again.
        count(
            case
                when state = 'changes_requested' and submitted_at < last_submitted_at
                    then 1
            end
        ) as review_round_count,
        min(case when state = 'approved' then submitted_at end) as first_approved_at
    from counted_reviews
    group by pull_request_id

)

select * from final
