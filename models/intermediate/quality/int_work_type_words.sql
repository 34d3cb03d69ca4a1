-- One row per unit of finished work and word that may tell its type, with the source
-- that the word is from.
with

work as (

    select * from {{ ref('int_work_finished') }}

),

pull_requests as (

    select * from {{ ref('core_pull_requests') }}

),

one_kind as (

    select * from {{ ref('int_changes_of_one_file_kind') }}

),

issues as (

    select * from {{ ref('core_issues') }}

),

issue_pull_requests as (

    select * from {{ ref('core_issue_pull_requests') }}

),

-- What changes and issues say of themselves, and issues of the changes linked to them.
told as (

    select
        'change' as work_kind,
        pull_requests.pull_request_id as work_id,
        false as is_linked,
        pull_requests.work_type,
        cast(null as text) as issue_type,
        pull_requests.labels,
        pull_requests.title_type,
        one_kind.file_kind
    from pull_requests
    left join one_kind
        on pull_requests.pull_request_id = one_kind.pull_request_id

    union all

    select
        'issue' as work_kind,
        issue_id as work_id,
        false as is_linked,
        work_type,
        issue_type,
        labels,
        cast(null as text) as title_type,
        cast(null as text) as file_kind
    from issues

    union all

    select
        'change' as work_kind,
        issue_pull_requests.pull_request_id as work_id,
        true as is_linked,
        issues.work_type,
        issues.issue_type,
        issues.labels,
        cast(null as text) as title_type,
        cast(null as text) as file_kind
    from issue_pull_requests
    inner join issues
        on issue_pull_requests.issue_id = issues.issue_id

),

words as (

    select
        work_kind,
        work_id,
        case when is_linked then 'issue_stated' else 'stated' end as work_type_source,
        work_type as word
    from told

    union all

    select
        work_kind,
        work_id,
        'issue_type' as work_type_source,
        issue_type as word
    from told

    union all

    select
        work_kind,
        work_id,
        case when is_linked then 'issue_label' else 'label' end as work_type_source,
        {{ explode_list('labels') }} as word
    from told

    union all

    select
        work_kind,
        work_id,
        'title_type' as work_type_source,
        title_type as word
    from told

    union all

    select
        work_kind,
        work_id,
        'files' as work_type_source,
        file_kind as word
    from told

),

final as (

    select distinct
        words.work_kind,
        words.work_id,
        words.work_type_source,
        lower(trim(words.word)) as word
    from words
    inner join work
        on
            words.work_kind = work.work_kind
            and words.work_id = work.work_id
    where words.word is not null

)

select * from final
