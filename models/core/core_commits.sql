-- One row per commit in a repository. Git's own word on a commit comes before a feed's.
with

commits as (

    select * from {{ union_systems('commits') }}

),

identities as (

    select * from {{ ref('core_identities') }}

),

ranked as (

    select
        commits.*,
        row_number() over (
            partition by repository, commit_sha
            order by case when system = 'git' then 1 else 2 end
        ) as preference
    from commits
    -- A clock may run ahead when a commit is written; when it was committed counts.
    where coalesce(committed_at, authored_at) < {{ as_of() }}

),

final as (

    select
        ranked.repository,
        ranked.commit_sha,
        coalesce(identities.person_id, ranked.author_id) as author_id,
        ranked.additions,
        ranked.deletions,
        ranked.changed_file_count,
        ranked.parent_count,
        ranked.mainline_position,
        coalesce(ranked.author_is_bot, false) as author_is_bot,
        coalesce(ranked.is_mainline, false) as is_mainline,
        ranked.authored_at,
        ranked.committed_at
    from ranked
    left join identities
        on identities.handle_id = ranked.author_id
    where ranked.preference = 1

)

select * from final
