-- No survey figure is of fewer people than the minimum group, and none can be had by
-- subtraction: what a department or the organization has beyond the parts that are
-- shown is nobody, or enough people. A row that is not reported says nothing.
with

experience as (

    select * from {{ ref('experience_quarterly') }}

),

counted as (

    select
        'respondent_count' as figure,
        period_start,
        question_id,
        scope_type,
        scope_id,
        respondent_count as people
    from experience

    union all

    select
        'survey_respondent_count' as figure,
        period_start,
        question_id,
        scope_type,
        scope_id,
        survey_respondent_count as people
    from experience

),

teams as (

    select
        team_id,
        department_id
    from {{ ref('dim_teams') }}

),

parts as (

    select
        counted.figure,
        counted.period_start,
        counted.question_id,
        'department' as whole_type,
        teams.department_id as whole_id,
        counted.scope_type as part_type,
        sum(counted.people) as people
    from counted
    inner join teams
        on counted.scope_id = teams.team_id
    where counted.scope_type = 'team'
    group by
        counted.figure,
        counted.period_start,
        counted.question_id,
        teams.department_id,
        counted.scope_type

    union all

    select
        figure,
        period_start,
        question_id,
        'organization' as whole_type,
        'organization' as whole_id,
        scope_type as part_type,
        sum(people) as people
    from counted
    where scope_type <> 'organization'
    group by figure, period_start, question_id, scope_type

)

select
    wholes.figure,
    wholes.period_start,
    wholes.question_id,
    wholes.scope_id,
    wholes.people - coalesce(parts.people, 0) as left_over
from counted as wholes
inner join parts
    on
        wholes.figure = parts.figure
        and wholes.period_start = parts.period_start
        and wholes.question_id = parts.question_id
        and wholes.scope_type = parts.whole_type
        and wholes.scope_id = parts.whole_id
where
    wholes.people - coalesce(parts.people, 0) <> 0
    and wholes.people - coalesce(parts.people, 0) < {{ var('minimum_group_size') }}

union all

select
    figure,
    period_start,
    question_id,
    scope_id,
    people as left_over
from counted
where people < {{ var('minimum_group_size') }}

union all

select
    'is_reported' as figure,
    period_start,
    question_id,
    scope_id,
    respondent_count as left_over
from experience
where
    is_reported <> (respondent_count is not null)
    or (
        not is_reported
        and coalesce(
            survey_respondent_count,
            invited_count,
            headcount,
            response_rate,
            unusable_answer_count,
            mean_value,
            prior_mean_value,
            median_value,
            favourable_count,
            favourable_share,
            promoter_count,
            detractor_count,
            nps_score,
            merged_pull_requests_per_active_contributor,
            baseline_merged_pull_requests_per_active_contributor,
            median_change_lead_time_hours,
            baseline_median_change_lead_time_hours
        ) is not null
    )
    or (not is_reported and baseline_quarter_start is not null)
