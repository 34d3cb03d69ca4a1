-- One row per quarter, question asked in it and organization, department and team: what
-- people say. Null where fewer than the minimum group answered, or where their answers
-- could be worked out from it.
with

waves as (

    select * from {{ ref('int_survey_waves_by_quarter') }}

),

scopes as (

    select * from {{ ref('int_scopes') }}
    where scope_type in ('organization', 'department', 'team')

),

figures as (

    select * from {{ ref('int_survey_figures_by_scope') }}
    where not is_hidden

),

response as (

    select * from {{ ref('int_survey_response_by_scope') }}

),

questions as (

    select * from {{ ref('survey_questions') }}

),

delivery as (

    select * from {{ ref('divergence_quarterly') }}

),

spine as (

    select
        scopes.scope_type,
        scopes.scope_id,
        waves.period_start,
        waves.question_id,
        scopes.scope_name,
        questions.wording as question_wording,
        questions.space_dimension,
        waves.survey_id,
        waves.scale,
        case when waves.scale = waves.prior_scale then waves.prior_survey_id end
            as prior_survey_id,
        case when waves.scale = 'hours_per_week' then waves.period_start end
            as measured_period_start,
        case when scopes.scope_type = 'organization' then waves.invited_count end
            as invited_count,
        {{ add_to_date('waves.period_start', 3, 'month') }} as period_end
    from waves
    cross join scopes
    left join questions
        on waves.question_id = questions.question_id

),

final as (

    select
        spine.scope_type,
        spine.scope_id,
        spine.period_start,
        spine.question_id,
        spine.scope_name,
        spine.question_wording,
        spine.space_dimension,
        spine.survey_id,
        spine.scale,
        cast(figures.respondent_count as bigint) as respondent_count,
        cast(
            case when not response.is_hidden then response.survey_respondent_count end
            as bigint
        ) as survey_respondent_count,
        cast(
            case when figures.scope_id is not null then spine.invited_count end
            as bigint
        ) as invited_count,
        cast(response.headcount as bigint) as headcount,
        case when not response.is_hidden then response.response_rate end
            as response_rate,
        cast(
            case
                when spine.scope_type = 'organization'
                    then figures.unusable_answer_count
            end as bigint
        ) as unusable_answer_count,
        figures.mean_value,
        prior_figures.mean_value as prior_mean_value,
        cast(figures.median_value as double precision) as median_value,
        cast(figures.favourable_count as bigint) as favourable_count,
        {{ share('figures.favourable_count', 'figures.respondent_count') }}
            as favourable_share,
        cast(figures.promoter_count as bigint) as promoter_count,
        cast(figures.detractor_count as bigint) as detractor_count,
        {{ share(
            '(figures.promoter_count - figures.detractor_count) * 100',
            'figures.respondent_count'
        ) }} as nps_score,
        delivery.merged_pull_requests_per_active_contributor,
        delivery.baseline_merged_pull_requests_per_active_contributor,
        delivery.median_change_lead_time_hours,
        delivery.baseline_median_change_lead_time_hours,
        figures.scope_id is not null as is_reported,
        spine.period_end > {{ as_of() }} as is_partial_period,
        delivery.baseline_quarter_start,
        spine.period_end
    from spine
    left join figures
        on
            spine.survey_id = figures.survey_id
            and spine.question_id = figures.question_id
            and spine.scope_type = figures.scope_type
            and spine.scope_id = figures.scope_id
    left join figures as prior_figures
        on
            figures.scope_id is not null
            and spine.prior_survey_id = prior_figures.survey_id
            and spine.question_id = prior_figures.question_id
            and spine.scope_type = prior_figures.scope_type
            and spine.scope_id = prior_figures.scope_id
    left join response
        on
            figures.scope_id is not null
            and spine.survey_id = response.survey_id
            and spine.scope_type = response.scope_type
            and spine.scope_id = response.scope_id
    left join delivery
        on
            figures.scope_id is not null
            and spine.measured_period_start = delivery.period_start
            and spine.scope_type = delivery.scope_type
            and spine.scope_id = delivery.scope_id

)

select * from final
