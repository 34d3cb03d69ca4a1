-- One row per month and scope whose code survival is not shown: the authors of a class
-- of AI evidence are fewer than the minimum group, or would give away such a one beside
-- them by subtraction.
with

authors as (

    select * from {{ ref('int_lines_authors_by_scope') }}

),

-- Siblings from the smallest on; whoever stands before a row is in smaller_count.
ranked as (

    select
        period_start,
        reporting_department_id,
        reporting_team_id,
        is_organization,
        is_no_team,
        author_count,
        coalesce(sum(author_count) over (
            partition by
                period_start,
                ai_assistance,
                is_organization,
                is_no_team,
                case when is_no_team = 0 then reporting_department_id end
            order by
                author_count,
                {{ byte_order('reporting_department_id') }},
                {{ byte_order('reporting_team_id') }}
            rows between unbounded preceding and 1 preceding
        ), 0) as smaller_count
    from authors

),

hidden as (

    select distinct
        period_start,
        reporting_department_id,
        reporting_team_id,
        is_organization,
        is_no_team
    from ranked
    where
        author_count < {{ var('minimum_group_size') }}
        or (smaller_count > 0 and smaller_count < {{ var('minimum_group_size') }})

),

final as (

    select
        period_start,
        'organization' as scope_type,
        'organization' as scope_id
    from hidden
    where is_organization = 1

    union

    select
        period_start,
        'department' as scope_type,
        reporting_department_id as scope_id
    from hidden
    where is_organization = 0 and is_no_team = 1

    union

    select
        period_start,
        'team' as scope_type,
        reporting_team_id as scope_id
    from hidden
    where is_no_team = 0

    union

    select
        authors.period_start,
        'team' as scope_type,
        authors.reporting_team_id as scope_id
    from authors
    inner join hidden
        on
            authors.period_start = hidden.period_start
            and authors.reporting_department_id = hidden.reporting_department_id
            and hidden.is_no_team = 1
    where authors.is_no_team = 0

)

select * from final
