-- One row per quarter and question asked in it, with the wave that the quarter takes:
-- the one with answers that began last. A wave belongs to the quarter it began in,
-- whole.
with

responses as (

    select * from {{ ref('core_survey_responses') }}

),

answers as (

    select * from {{ ref('int_survey_answers') }}

),

waves as (

    select
        survey_id,
        max(invited_count) as invited_count,
        min(submitted_at) as started_at
    from responses
    group by survey_id

),

questions as (

    select
        survey_id,
        question_id,
        scale
    from answers
    group by survey_id, question_id, scale

),

ranked as (

    select
        {{ period_start('quarter', 'waves.started_at') }} as period_start,
        questions.question_id,
        questions.survey_id,
        questions.scale,
        waves.invited_count,
        row_number() over (
            partition by
                {{ period_start('quarter', 'waves.started_at') }},
                questions.question_id
            order by
                waves.started_at desc,
                {{ byte_order('questions.survey_id') }} desc
        ) as place
    from questions
    inner join waves
        on questions.survey_id = waves.survey_id

),

final as (

    select
        period_start,
        question_id,
        survey_id,
        scale,
        invited_count,
        lag(survey_id) over (
            partition by question_id order by period_start
        ) as prior_survey_id,
        lag(scale) over (
            partition by question_id order by period_start
        ) as prior_scale
    from ranked
    where place = 1

)

select * from final
