-- One row per commit in a repository. Git's own word on a commit comes before a feed's.
with

commits as (

    select * from {{ union_systems('commits') }}
    -- A clock may run ahead when a commit is written; when it was committed counts.
    where coalesce(committed_at, authored_at) < {{ as_of() }}

),

identities as (

    select * from {{ ref('core_identities') }}

),

git_commits as (

    select
        repository,
        commit_sha
    from {{ union_systems('commits') }}
    where
        system = 'git'
        and coalesce(committed_at, authored_at) < {{ as_of() }}

),

-- Of a feed's word and GitHub's, GitHub's.
github_commits as (

    select
        repository,
        commit_sha
    from {{ union_systems('commits') }}
    where
        system = 'github'
        and coalesce(committed_at, authored_at) < {{ as_of() }}

),

chosen as (

    select commits.*
    from commits
    left join git_commits
        on
            commits.repository = git_commits.repository
            and commits.commit_sha = git_commits.commit_sha
    left join github_commits
        on
            commits.repository = github_commits.repository
            and commits.commit_sha = github_commits.commit_sha
    where
        case
            when commits.system = 'git' then true
            when commits.system = 'github' then git_commits.commit_sha is null
            else
                git_commits.commit_sha is null
                and github_commits.commit_sha is null
        end

),

final as (

    select
        chosen.repository,
        chosen.commit_sha,
        coalesce(identities.person_id, chosen.author_id) as author_id,
        chosen.additions,
        chosen.deletions,
        chosen.changed_file_count,
        chosen.parent_count,
        chosen.mainline_position,
        coalesce(chosen.author_is_bot, false) as author_is_bot,
        coalesce(chosen.is_mainline, false) as is_mainline,
        chosen.authored_at,
        chosen.committed_at
    from chosen
    left join identities
        on identities.handle_id = chosen.author_id

)

select * from final
