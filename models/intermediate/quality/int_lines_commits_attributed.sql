-- One row per main-line commit that did something to lines and counts: all but those of
-- bots without AI evidence (a coding agent's commit is work, an update bot's is
-- nobody's). Team and service are its change's, else its author's and its repository's.
with

commits as (

    select * from {{ ref('int_lines_mainline_commits') }}
    where not is_bot or is_ai_assisted

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
        commits.repository,
        commits.commit_sha,
        commits.pull_request_id,
        commits.author_id,
        commits.is_bot,
        case
            when commits.pull_request_id is not null then changes.service_id
            else only_services.service_id
        end as service_id,
        coalesce(
            changes.team_id,
            memberships.team_id,
            only_services.team_id,
            'unattributed'
        ) as team_id,
        commits.is_ai_assisted,
        commits.committed_at
    from commits
    left join changes
        on commits.pull_request_id = changes.pull_request_id
    left join only_services
        on commits.repository = only_services.repository
    left join memberships
        on
            commits.author_id = memberships.person_id
            and memberships.is_primary
            and cast(commits.committed_at as date) >= memberships.valid_from
            and cast(commits.committed_at as date) < memberships.valid_to

),

final as (

    select
        attributed.repository,
        attributed.commit_sha,
        attributed.author_id,
        attributed.is_bot,
        attributed.service_id,
        attributed.team_id,
        teams.department_id,
        case
            when attributed.is_ai_assisted then 'ai_assisted' else 'no_evidence'
        end as ai_assistance,
        attributed.committed_at
    from attributed
    inner join teams
        on attributed.team_id = teams.team_id

)

select * from final
