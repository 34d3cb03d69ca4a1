-- One row per survey, respondent, question and moment.
with

records as (

    select * from {{ latest(source('files', 'survey_responses')) }}

),

final as (

    select
        'files:' || survey_id as survey_id,
        respondent_id,
        question_id,
        scale,
        team_id,
        invited_count,
        value,
        submitted_at
    from records

)

select * from final
