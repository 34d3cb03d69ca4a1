-- One row per unit of finished work with its type: what the seed says of the first
-- source that holds a word of it, else unknown.
with

work as (

    select * from {{ ref('int_work_finished') }}

),

words as (

    select * from {{ ref('int_work_type_words') }}

),

rules as (

    select * from {{ ref('work_types') }}

),

ranked_words as (

    select
        work_kind,
        work_id,
        work_type_source,
        word,
        case work_type_source
            when 'issue_stated' then 'stated'
            when 'issue_label' then 'label'
            else work_type_source
        end as found_in,
        case work_type_source
            when 'stated' then 1
            when 'issue_stated' then 2
            when 'issue_type' then 3
            when 'label' then 4
            when 'issue_label' then 5
            when 'title_type' then 6
            else 7
        end as source_rank
    from words

),

matches as (

    select
        ranked_words.work_kind,
        ranked_words.work_id,
        ranked_words.work_type_source,
        rules.work_type,
        row_number() over (
            partition by ranked_words.work_kind, ranked_words.work_id
            order by ranked_words.source_rank, rules.rule_order
        ) as preference
    from ranked_words
    inner join rules
        on
            ranked_words.found_in = lower(trim(rules.found_in))
            and ranked_words.word = lower(trim(rules.value))

),

final as (

    select
        work.work_kind,
        work.work_id,
        coalesce(matches.work_type, 'unknown') as work_type,
        coalesce(matches.work_type_source, 'none') as work_type_source,
        work.service_id,
        work.team_id,
        work.department_id,
        work.work_seconds,
        work.finished_at
    from work
    left join matches
        on
            work.work_kind = matches.work_kind
            and work.work_id = matches.work_id
            and matches.preference = 1

)

select * from final
