-- One row per wave, question and scope that answered it: what was said, and whether it
-- is hidden because too few said it or others' could be worked out from it.
with

answers as (

    select * from {{ ref('int_survey_answers') }}

),

respondents as (

    select * from {{ ref('int_survey_respondents') }}

),

placed as (

    select
        answers.survey_id,
        answers.question_id,
        answers.scale,
        respondents.department_id,
        respondents.team_id,
        answers.is_usable,
        case when answers.is_usable then answers.value end as value
    from answers
    inner join respondents
        on
            answers.survey_id = respondents.survey_id
            and answers.respondent_id = respondents.respondent_id

),

counted as (

    select
        survey_id,
        question_id,
        scale,
        department_id,
        case
            when grouping(team_id) = 0 then 'team'
            when grouping(department_id) = 0 then 'department'
            else 'organization'
        end as scope_type,
        case
            when grouping(team_id) = 0 then team_id
            when grouping(department_id) = 0 then department_id
            else 'organization'
        end as scope_id,
        count(value) as respondent_count,
        count(case when not is_usable then 1 end) as unusable_answer_count,
        cast(avg(value) as double precision) as mean_value,
        {{ percentile('value', 0.5) }} as median_value,
        count(
            case when value >= case scale when 'likert5' then 4 else 6 end then 1 end
        ) as favourable_count,
        count(case when value >= 9 then 1 end) as promoter_count,
        count(case when value <= 6 then 1 end) as detractor_count
    from placed
    group by grouping sets (
        (survey_id, question_id, scale),
        (survey_id, question_id, scale, department_id),
        (survey_id, question_id, scale, department_id, team_id)
    )

),

judged as (

    select *
    from {{ hidden_counts(
        'counted', ['survey_id', 'question_id'], 'respondent_count'
    ) }}

),

final as (

    select
        counted.survey_id,
        counted.question_id,
        counted.scope_type,
        counted.scope_id,
        counted.respondent_count,
        counted.unusable_answer_count,
        counted.mean_value,
        counted.median_value,
        case
            when counted.scale in ('likert5', 'likert7') then counted.favourable_count
        end as favourable_count,
        case when counted.scale = 'nps' then counted.promoter_count end
            as promoter_count,
        case when counted.scale = 'nps' then counted.detractor_count end
            as detractor_count,
        judged.is_hidden
    from counted
    inner join judged
        on
            counted.survey_id = judged.survey_id
            and counted.question_id = judged.question_id
            and counted.scope_type = judged.scope_type
            and counted.scope_id = judged.scope_id

)

select * from final
