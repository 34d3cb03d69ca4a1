-- A rate lies between 0 and 1, a part is within its whole, a mean on its scale, and a
-- question has one wave in a quarter.
select
    scope_type,
    scope_id,
    period_start,
    question_id
from {{ ref('experience_quarterly') }}
where
    response_rate not between 0 and 1
    or respondent_count > survey_respondent_count
    or favourable_count > respondent_count
    or promoter_count + detractor_count > respondent_count
    or nps_score not between -100 and 100
    or (scale = 'likert5' and mean_value not between 1 and 5)
    or (scale = 'likert7' and mean_value not between 1 and 7)
    or (scale = 'nps' and mean_value not between 0 and 10)
    or (scale = 'hours_per_week' and mean_value not between 0 and 168)

union all

select
    'organization' as scope_type,
    'organization' as scope_id,
    period_start,
    question_id
from {{ ref('experience_quarterly') }}
group by period_start, question_id
having count(distinct survey_id) > 1
