-- One row per month and scope whose code survival is not shown: the authors of a class
-- of AI evidence are fewer than the minimum group, or would give away such a one beside
-- them by subtraction.
with

authors as (

    select * from {{ ref('int_lines_authors_by_scope') }}

),

hidden as (

    select
        period_start,
        scope_type,
        scope_id
    from {{ hidden_counts(
        'authors', ['period_start', 'ai_assistance'], 'author_count'
    ) }}
    where is_hidden

),

final as (

    select
        period_start,
        scope_type,
        scope_id
    from hidden

    union

    -- The teams of a department that the other class hides.
    select
        authors.period_start,
        authors.scope_type,
        authors.scope_id
    from authors
    inner join hidden
        on
            authors.period_start = hidden.period_start
            and authors.department_id = hidden.scope_id
            and hidden.scope_type = 'department'
    where authors.scope_type = 'team'

)

select * from final
