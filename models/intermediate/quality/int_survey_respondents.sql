-- One row per wave of a survey and respondent, with the team they count in: theirs on
-- the day of their last row; else the one that their rows name last.
with

responses as (

    select * from {{ ref('core_survey_responses') }}

),

memberships as (

    select * from {{ ref('int_team_membership_segments') }}

),

teams as (

    select * from {{ ref('core_teams') }}

),

respondents as (

    select
        survey_id,
        respondent_id,
        cast(max(submitted_at) as date) as responded_date
    from responses
    group by survey_id, respondent_id

),

named_teams as (

    select
        responses.survey_id,
        responses.respondent_id,
        responses.team_id,
        row_number() over (
            partition by responses.survey_id, responses.respondent_id
            order by responses.submitted_at desc, {{ byte_order('responses.team_id') }}
        ) as place
    from responses
    inner join teams
        on responses.team_id = teams.team_id

),

placed as (

    select
        respondents.survey_id,
        respondents.respondent_id,
        coalesce(
            memberships.team_id, named_teams.team_id, 'unattributed'
        ) as team_id
    from respondents
    left join memberships
        on
            respondents.respondent_id = memberships.person_id
            and memberships.is_primary
            and respondents.responded_date >= memberships.valid_from
            and respondents.responded_date < memberships.valid_to
    left join named_teams
        on
            respondents.survey_id = named_teams.survey_id
            and respondents.respondent_id = named_teams.respondent_id
            and named_teams.place = 1

),

final as (

    select
        placed.survey_id,
        placed.respondent_id,
        placed.team_id,
        teams.department_id
    from placed
    inner join teams
        on placed.team_id = teams.team_id

)

select * from final
