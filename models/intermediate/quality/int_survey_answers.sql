-- One row per wave, respondent and question answered with a number: the last word
-- counts, and a last word without a number takes the answer back. The scale is the one
-- that most answers of the wave are on; the others are not usable.
with

responses as (

    select * from {{ ref('core_survey_responses') }}
    where scale <> 'text'

),

ranked as (

    select
        survey_id,
        respondent_id,
        question_id,
        scale,
        value,
        row_number() over (
            partition by survey_id, respondent_id, question_id
            order by
                submitted_at desc,
                case when value is null then 1 else 0 end,
                value desc,
                {{ byte_order('scale') }}
        ) as place
    from responses

),

answers as (

    select
        survey_id,
        respondent_id,
        question_id,
        scale,
        value
    from ranked
    where place = 1 and value is not null

),

scales as (

    select
        survey_id,
        question_id,
        scale,
        row_number() over (
            partition by survey_id, question_id
            order by count(*) desc, {{ byte_order('scale') }}
        ) as place
    from answers
    group by survey_id, question_id, scale

),

final as (

    select
        answers.survey_id,
        answers.respondent_id,
        answers.question_id,
        scales.scale,
        answers.value,
        answers.scale = scales.scale as is_usable
    from answers
    inner join scales
        on
            answers.survey_id = scales.survey_id
            and answers.question_id = scales.question_id
            and scales.place = 1

)

select * from final
