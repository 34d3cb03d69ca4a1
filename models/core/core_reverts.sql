-- One row per commit that another one in its repository reverts, and that other one. An
-- abbreviated hash is the one commit of the repository that begins with it; what fits
-- no commit, or several, stays as it is named.
with

commits as (

    select * from {{ union_systems('commits') }}

),

known_commits as (

    select * from {{ ref('core_commits') }}

),

named as (

    select
        repository,
        {{ explode_list('reverted_commit_shas') }} as named_sha,
        commit_sha as revert_commit_sha
    from commits
    where coalesce(committed_at, authored_at) < {{ as_of() }}

),

-- Seven characters are the shortest abbreviation that is read as one; equal ones can be
-- found by their hash, so that this stays fast on millions of commits.
resolved as (

    select
        named.repository,
        named.named_sha,
        min(known_commits.commit_sha) as reverted_commit_sha
    from named
    inner join known_commits
        on
            named.repository = known_commits.repository
            and left(named.named_sha, 7) = left(known_commits.commit_sha, 7)
    where
        left(known_commits.commit_sha, length(named.named_sha)) = named.named_sha
    group by named.repository, named.named_sha
    having count(distinct known_commits.commit_sha) = 1

),

final as (

    select distinct
        named.repository,
        coalesce(resolved.reverted_commit_sha, named.named_sha)
            as reverted_commit_sha,
        named.revert_commit_sha
    from named
    left join resolved
        on
            named.repository = resolved.repository
            and named.named_sha = resolved.named_sha

)

select * from final
