-- One row per survey, respondent, question and moment.
with

survey_responses as (

    select * from {{ union_systems('survey_responses') }}

),

identities as (

    select * from {{ ref('core_identities') }}

),

final as (

    select
        survey_responses.survey_id,
        coalesce(identities.person_id, survey_responses.respondent_id) as respondent_id,
        survey_responses.question_id,
        survey_responses.scale,
        survey_responses.team_id,
        survey_responses.invited_count,
        survey_responses.value,
        survey_responses.submitted_at
    from survey_responses
    left join identities
        on identities.handle_id = survey_responses.respondent_id
    where survey_responses.submitted_at < {{ as_of() }}

)

select * from final
