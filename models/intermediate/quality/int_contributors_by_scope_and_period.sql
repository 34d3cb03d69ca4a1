-- One row per scope and period with contributors: people who merged a change or
-- reviewed one. A person counts in the team that was theirs on the day; without one, in
-- the change's team.
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

teams as (

    select * from {{ ref('core_teams') }}

),

days_in_periods as (

    select * from {{ ref('int_days_in_periods') }}

),

contributions as (

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

),

in_periods as (

    select distinct
        days_in_periods.period_type,
        days_in_periods.period_start,
        contributions.person_id,
        contributions.service_id,
        contributions.team_id,
        teams.department_id
    from contributions
    inner join teams
        on contributions.team_id = teams.team_id
    inner join days_in_periods
        on contributions.contributed_date = days_in_periods.date_day

),

final as (

    select
        period_type,
        period_start,
        {{ grouped_scope_type() }} as scope_type,
        {{ grouped_scope_id() }} as scope_id,
        count(distinct person_id) as active_contributor_count
    from in_periods
    group by {{ scope_grouping_sets(['period_type', 'period_start']) }}

)

select * from final
