-- One row per person, service, team and day with a merge of one's own or a review of
-- somebody else's. A person counts in the team that was theirs on the day; without one,
-- in the change's team.
with

pull_requests as (

    select * from {{ ref('int_pull_requests_attributed') }}

),

reviews as (

    select * from {{ ref('core_reviews') }}

),

memberships as (

    select * from {{ ref('int_team_membership_segments') }}

),

final as (

    select
        author_id as person_id,
        service_id,
        team_id,
        cast(merged_at as date) as contributed_date
    from pull_requests
    where merged_at is not null and author_id is not null and not is_bot_change

    union

    select
        reviews.reviewer_id as person_id,
        pull_requests.service_id,
        coalesce(memberships.team_id, pull_requests.team_id) as team_id,
        cast(reviews.submitted_at as date) as contributed_date
    from reviews
    inner join pull_requests
        on reviews.pull_request_id = pull_requests.pull_request_id
    left join memberships
        on
            reviews.reviewer_id = memberships.person_id
            and memberships.is_primary
            and cast(reviews.submitted_at as date) >= memberships.valid_from
            and cast(reviews.submitted_at as date) < memberships.valid_to
    where
        reviews.reviewer_id is not null
        and not reviews.reviewer_is_bot
        and reviews.reviewer_id <> coalesce(pull_requests.author_id, '')
        and not pull_requests.is_bot_change

)

select * from final
