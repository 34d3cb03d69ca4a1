-- One row per pull request, merged or not, with its team and service. A merged one has
-- those of its change; another its author's team on the day it was opened, else its
-- service's team.
with

pull_requests as (

    select * from {{ ref('core_pull_requests') }}

),

changes as (

    select * from {{ ref('int_changes_timed') }}

),

only_services as (

    select * from {{ ref('int_repositories_of_one_service') }}

),

memberships as (

    select * from {{ ref('int_team_membership_segments') }}

),

teams as (

    select * from {{ ref('core_teams') }}

),

attributed as (

    select
        pull_requests.pull_request_id,
        coalesce(changes.service_id, only_services.service_id) as service_id,
        coalesce(
            changes.team_id,
            memberships.team_id,
            only_services.team_id,
            'unattributed'
        ) as team_id,
        pull_requests.author_id,
        coalesce(pull_requests.author_is_bot, false) as is_bot_change,
        pull_requests.created_at,
        pull_requests.merged_at,
        coalesce(pull_requests.merged_at, pull_requests.closed_at) as ended_at
    from pull_requests
    left join changes
        on pull_requests.pull_request_id = changes.pull_request_id
    left join only_services
        on pull_requests.repository = only_services.repository
    left join memberships
        on
            pull_requests.author_id = memberships.person_id
            and memberships.is_primary
            and cast(pull_requests.created_at as date) >= memberships.valid_from
            and cast(pull_requests.created_at as date) < memberships.valid_to

),

final as (

    select
        attributed.pull_request_id,
        attributed.service_id,
        attributed.team_id,
        teams.department_id,
        attributed.author_id,
        attributed.is_bot_change,
        attributed.created_at,
        attributed.merged_at,
        attributed.ended_at
    from attributed
    inner join teams
        on attributed.team_id = teams.team_id

)

select * from final
