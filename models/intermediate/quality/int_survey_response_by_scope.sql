-- One row per wave and scope that took part: how many did, of how many. More than were
-- asked means that nobody knows how many were: the rate is null, not cut to 1.
with

responses as (

    select * from {{ ref('core_survey_responses') }}

),

respondents as (

    select * from {{ ref('int_survey_respondents') }}

),

memberships as (

    select * from {{ ref('int_team_membership_segments') }}

),

team_scopes as (

    select * from {{ ref('int_team_scopes') }}

),

waves as (

    select
        survey_id,
        max(invited_count) as invited_count,
        cast(min(submitted_at) as date) as started_date
    from responses
    group by survey_id

),

headcounts as (

    select
        waves.survey_id,
        team_scopes.scope_type,
        team_scopes.scope_id,
        count(*) as headcount
    from waves
    inner join memberships
        on
            memberships.is_primary
            and waves.started_date >= memberships.valid_from
            and waves.started_date < memberships.valid_to
    inner join team_scopes
        on memberships.team_id = team_scopes.team_id
    group by waves.survey_id, team_scopes.scope_type, team_scopes.scope_id

),

counted as (

    select
        respondents.survey_id,
        team_scopes.scope_type,
        team_scopes.scope_id,
        min(
            case
                when team_scopes.scope_type <> 'organization'
                    then respondents.department_id
            end
        ) as department_id,
        count(*) as survey_respondent_count
    from respondents
    inner join team_scopes
        on respondents.team_id = team_scopes.team_id
    group by respondents.survey_id, team_scopes.scope_type, team_scopes.scope_id

),

judged as (

    select *
    from {{ hidden_counts('counted', ['survey_id'], 'survey_respondent_count') }}

),

asked as (

    select
        judged.survey_id,
        judged.scope_type,
        judged.scope_id,
        judged.survey_respondent_count,
        headcounts.headcount,
        case
            when judged.scope_type = 'organization'
                then coalesce(waves.invited_count, headcounts.headcount)
            else headcounts.headcount
        end as asked_count,
        judged.is_hidden
    from judged
    inner join waves
        on judged.survey_id = waves.survey_id
    left join headcounts
        on
            judged.survey_id = headcounts.survey_id
            and judged.scope_type = headcounts.scope_type
            and judged.scope_id = headcounts.scope_id

),

final as (

    select
        survey_id,
        scope_type,
        scope_id,
        survey_respondent_count,
        headcount,
        case
            when survey_respondent_count <= asked_count
                then {{ share('survey_respondent_count', 'asked_count') }}
        end as response_rate,
        is_hidden
    from asked

)

select * from final
