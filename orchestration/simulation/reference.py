"""The reference company: the published study's size, drawn by SQL straight into a lake.

Data flow: teams, people and services → per month their changes, and from these commits, reviews,
issues and deployments; per working day the people's use of AI → ``lake/files/<feed>``, one batch
for a small feed and one a month for a large one.

Nothing is planted and nobody is behind the people's keys: it is there for its size, its skew and
its references. For 4,000 teams and 24 months: 22,000 people, 9 M changes, 20 M reviews, 30 M
commits, 3 M deployments, 100 k incidents, 30 M buckets of usage (a person's day with a model).
All of it grows with teams × months.
"""

from collections.abc import Iterator
from datetime import datetime, time
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration import inventory
from orchestration.lake import Lake, LakeError, Outcome
from orchestration.simulation.worlds import STARTS_ON, month_after
from orchestration.systems import files

PRICES_SEED = Path(__file__).resolve().parents[2] / "seeds" / "ai_prices.csv"
GROUP_ROWS = 122_880  # rows of a row group: what DuckDB reads in one go
MEMORY_LIMIT = "4GB"

# Every number is drawn from a hash of what it is about, the name of the question and the seed: it
# is the same whatever the order of the rows and the number of threads.
MACROS = """
create macro chance(thing, question) as
    (hash(thing, question, getvariable('seed')) >> 11) / cast(9007199254740992 as double);
create macro picked(thing, question, count) as
    cast(floor(chance(thing, question) * count) as bigint);
create macro one_of(thing, question, choices) as
    choices[1 + picked(thing, question, len(choices))];
create macro seconds(count) as to_seconds(cast(floor(count) as bigint));
create macro known(moment) as greatest(moment, cast(getvariable('starts_on') as timestamp));
create macro seen(moment) as case when moment < getvariable('as_of') then moment end;

create macro person_id(person_n) as 'person_' || md5('reference person ' || person_n);
create macro team_id(team_n) as format('team-{:04d}', 1 + team_n);
create macro department_id(n) as format('department-{:03d}', 1 + n);
create macro division_id(n) as format('division-{:02d}', 1 + n);
create macro cost_center(n) as format('CC-{:03d}', 1 + n);
create macro service_id(service_n) as format('service-{:04d}', 1 + service_n);
create macro repository(service_n) as 'reference/' || service_id(service_n);
create macro change_id(change_n) as 'pr-' || change_n;
create macro deployment_id(deployment_n) as 'deployment-' || deployment_n;
create macro incident_id(deployment_n) as 'incident-' || deployment_n;
create macro sha(change_n, k) as sha1('reference commit ' || change_n || ' ' || k);

-- 10 commits for 3 changes, 20 reviews for 9
create macro commit_count(change_n) as one_of(change_n, 'commits', [1, 1, 2, 2, 3, 3, 4, 6, 8]);
create macro review_count(change_n) as one_of(change_n, 'reviews', [0, 1, 1, 2, 2, 2, 3, 4, 5]);
-- A change is merged by its last commit.
create macro merge_sha(change_n) as sha(change_n, commit_count(change_n) - 1);
"""

# Who there is, and how much each service gets of the changes and deployments.
COMPANY = """
create table months as
select
    month_n, starts_on, ends_on,
    86400 * (ends_on - starts_on) as seconds,
    list_filter(
        range(cast(starts_on as timestamp), cast(ends_on as timestamp), interval 1 day),
        lambda day: isodow(day) < 6
    ) as working_days
from (
    select
        range as month_n,
        cast(getvariable('starts_on') + to_months(cast(range as integer)) as date) as starts_on,
        cast(getvariable('starts_on') + to_months(cast(range + 1 as integer)) as date) as ends_on
    from range(getvariable('months'))
);

-- 5.5 people a team: 3 each, and 2.5 a team shared out by the square root of the rank. Teams take
-- AI up in the first third of the time; 8 % never do.
create table teams as
with
ranked as (
    select range as team_n, cast(1e9 / sqrt(range + 1) as hugeint) as weight
    from range(getvariable('teams'))
),
summed as (
    select team_n, sum(weight) over (order by team_n) as until, weight, sum(weight) over () as total
    from ranked
),
sized as (
    select
        team_n,
        3 * team_n + (until - weight) * 5 * getvariable('teams') // (2 * total) as first_person_n,
        3 + until * 5 * getvariable('teams') // (2 * total)
        - (until - weight) * 5 * getvariable('teams') // (2 * total) as person_count,
        -- the golden ratio's multiples fill the interval evenly, however few the teams are
        (chance(0, 'adoption') + team_n * 0.6180339887498949) % 1 / 0.92 as adoption
    from summed
)
select
    team_n,
    cast(first_person_n as bigint) as first_person_n,
    cast(person_count as bigint) as person_count,
    team_n % cast(ceil(getvariable('teams') / 10) as bigint) as department_n,
    case when adoption < 1 then
        getvariable('starts_on') + cast(floor(adoption * getvariable('days') / 3) as integer)
    end as adopted_on
from sized;

create table people as
select
    first_person_n + k as person_n, team_n, adopted_on,
    chance(first_person_n + k, 'uses AI') < 0.9 as uses_ai
from (select *, unnest(range(person_count)) as k from teams);
set variable people = (select count(*) from people);

-- Three in a hundred change their team, as many work for two; the team is then the next one.
create table members as
with
started as (
    select
        *,
        getvariable('starts_on') - cast(30 + picked(person_n, 'joined', 1000) as integer)
            as valid_from,
        getvariable('starts_on')
        + cast(1 + picked(person_n, 'moved', getvariable('days') - 1) as integer) as moved_on,
        case when getvariable('teams') > 1 then chance(person_n, 'mobility') else 1 end as mobility
    from people
)
select
    person_n, team_n, true as is_primary, valid_from,
    case when mobility < 0.03 then moved_on end as valid_to,
    case when mobility between 0.03 and 0.06 then 0.8 end as share
from started
union all
select
    person_n, (team_n + 1) % getvariable('teams') as team_n, mobility < 0.03 as is_primary,
    case when mobility < 0.03 then moved_on else valid_from end as valid_from,
    cast(null as date) as valid_to,
    case when mobility >= 0.03 then 0.2 end as share
from started
where mobility <= 0.06;

-- 1.5 services a team; the share of one falls with its rank to the power of 2/3: of 6,000 the first
-- has 2 % of all work. Every other one says which commits it ships.
create table services as
with
ranked as (
    select range as service_n, cast(1e12 * pow(range + 1, -2.0 / 3) as bigint) as weight
    from range(cast(ceil(1.5 * getvariable('teams')) as bigint))
)
select
    service_n, service_n % getvariable('teams') as team_n, service_n % 2 = 0 as lists_commits,
    weight / sum(weight) over () as share
from ranked;

create table workloads as
with
expected as (
    select
        month_n, service_n,
        share * getvariable('teams') * 93.75 as changes,
        share * getvariable('teams') * 31.25 as deployments,
        chance(service_n, 'phase') as phase
    from months cross join services
),
counted as (
    select
        month_n, service_n,
        cast(floor(changes * (month_n + 1) + phase) - floor(changes * month_n + phase) as bigint)
            as change_count,
        cast(
            floor(deployments * (month_n + 1) + phase) - floor(deployments * month_n + phase)
            as bigint
        ) as deployment_count
    from expected
)
select
    *,
    cast(sum(change_count) over rising - change_count as bigint) as first_change_n,
    cast(sum(deployment_count) over rising - deployment_count as bigint) as first_deployment_n
from counted
window rising as (order by month_n, service_n);
"""

# What runs, what broke and what mended it.
OPERATIONS = """
create table deployments as
with
numbered as (
    select month_n, service_n, deployment_count, k, first_deployment_n + k as deployment_n
    from (select *, unnest(range(deployment_count)) as k from workloads)
)
select
    deployment_n, month_n, service_n,
    case when chance(deployment_n, 'environment') < 0.9 then 'production' else 'staging' end
        as environment,
    one_of(deployment_n, 'status', [
        'success', 'success', 'success', 'success', 'success', 'success', 'success', 'success',
        'success', 'success', 'success', 'success', 'success', 'success', 'success', 'success',
        'success', 'success', 'failure', 'cancelled'
    ]) as status,
    cast(starts_on as timestamp)
    + seconds((k + chance(deployment_n, 'moment')) / deployment_count * seconds) as finished_at
from numbered inner join months using (month_n);

create table live as
select deployment_n, service_n, finished_at from deployments
where environment = 'production' and status = 'success';

-- One incident for 30 deployments, within 20 hours of the one that caused it. Half are mended by
-- the next deployment, if that comes within three days.
create table incidents as
with
opened as (
    select
        deployment_n, service_n,
        finished_at + seconds(60 + 72000 * pow(chance(deployment_n, 'breaks after'), 3))
            as opened_at
    from live
    where chance(deployment_n, 'breaks') < 1 / 30 / 0.9 / 0.9
),
followed as (
    select
        opened.deployment_n, opened.service_n, opened.opened_at, later.finished_at as mended_at,
        case
            when chance(opened.deployment_n, 'is mended') < 0.5
            and later.finished_at < opened.opened_at + interval 3 days then later.deployment_n
        end as remedy_n
    from opened
    asof left join live as later
        on opened.service_n = later.service_n and opened.opened_at <= later.finished_at
    where opened.opened_at < getvariable('as_of')
)
select
    deployment_n, service_n, opened_at, remedy_n,
    case when remedy_n is not null then mended_at + interval 5 minutes
    else opened_at + seconds(1200 + 259200 * pow(chance(deployment_n, 'recovery'), 4))
    end as resolved_at
from followed;

create table remedies as
select remedy_n as deployment_n, min(deployment_n) as broken_n
from incidents where remedy_n is not null group by remedy_n;

create table last_changes (deployment_n bigint, merged_at timestamp, change_n bigint);
create table consumption (
    vendor varchar, model varchar, cost_date date, token_class varchar, tokens hugeint
);

create table models (model_n bigint, vendor varchar, model varchar, tool varchar, share double);
insert into models values
    (0, 'anthropic', 'claude-sonnet-4-5', 'claude-code', 0.95),
    (1, 'openai', 'gpt-5-mini', 'codex', 0.8),
    (2, 'anthropic', 'claude-haiku-4-5', 'claude-code', 0.7),
    (3, 'openai', 'gpt-5-codex', 'codex', 0.6),
    (4, 'anthropic', 'claude-opus-4-5', 'claude-code', 0.45),
    (5, 'google', 'gemini-2.5-flash', 'gemini-cli', 0.35),
    (6, 'openai', 'gpt-5', 'codex', 0.25),
    (7, 'google', 'gemini-2.5-pro', 'gemini-cli', 0.15);
"""

# A month's work, before it is written: one table for each kind that more than one feed reads.
MONTH = """
-- Six changes in ten come from the service's own team. One in 25 is a bot's.
create or replace temp table changes as
with
numbered as (
    select
        *, first_change_n + k as change_n,
        (k + chance(first_change_n + k, 'day')) / change_count as position
    from (
        select *, unnest(range(change_count)) as k from workloads
        where month_n = getvariable('month_n')
    )
),
dated as (
    select
        change_n, service_n, k, teams.first_person_n, teams.person_count,
        case when chance(change_n, 'own') < 0.6
            then teams.first_person_n + picked(change_n, 'author', teams.person_count)
            else picked(change_n, 'guest', getvariable('people'))
        end as author_n,
        working_days[1 + cast(floor(position * len(working_days)) as bigint)]
        + seconds(28800 + 36000 * chance(change_n, 'hour')) as created_at
    from numbered
    inner join months using (month_n)
    inner join services using (service_n)
    inner join teams using (team_n)
),
ended as (
    select
        *, chance(change_n, 'end') as ending,
        known(created_at - seconds(1800 + 345600 * pow(chance(change_n, 'coding'), 3)))
            as first_commit_at,
        seen(created_at + seconds(900 + 2505600 * pow(chance(change_n, 'review'), 5))) as ended_at
    from dated
)
select
    change_n, service_n, first_person_n, person_count, author_n, created_at, first_commit_at,
    chance(change_n, 'bot') < 0.04 as is_bots,
    case when ending < 0.96 then ended_at end as closed_at,
    case when ending < 0.9 then ended_at end as merged_at,
    k > 0 and chance(change_n, 'revert') < 0.01 as is_revert,
    people.uses_ai and people.adopted_on <= created_at and chance(change_n, 'AI') < 0.4 as has_ai,
    cast(10 + 1000 * pow(chance(change_n, 'size'), 4) as bigint) as additions
from ended
inner join people on ended.author_n = people.person_n;

create or replace temp table commits as
select
    change_n, k, sha(change_n, k) as commit_sha,
    first_commit_at + seconds(epoch(created_at - first_commit_at) * k / commit_count)
        as authored_at
from (
    select
        *, commit_count(change_n) as commit_count,
        unnest(range(commit_count(change_n))) as k
    from changes
);

create or replace temp table shipped as
select changes.change_n, changes.service_n, changes.merged_at, live.deployment_n
from changes
asof inner join (
    select live.* from live
    inner join months on month_n = getvariable('month_n') and live.finished_at >= months.starts_on
) as live
    on changes.service_n = live.service_n and changes.merged_at <= live.finished_at
where changes.merged_at is not null;

insert into last_changes
select deployment_n, max(merged_at), arg_max(change_n, (merged_at, change_n))
from shipped group by deployment_n;

create or replace temp table usage as
with
days as (
    select unnest(working_days) as day from months where month_n = getvariable('month_n')
),
active as (
    select
        members.person_n, day,
        getvariable('people') * date_diff('day', getvariable('starts_on'), day) + members.person_n
            as person_day_n
    from members
    inner join teams using (team_n)
    inner join people using (person_n)
    cross join days
    where
        members.is_primary and people.uses_ai and day >= teams.adopted_on
        and day >= members.valid_from and (members.valid_to is null or day < members.valid_to)
        and chance(person_day_n, 'works with AI') < 0.9
),
used as (
    select
        active.*, models.*, person_day_n * 8 + model_n as usage_n,
        cast(1 + 134 * pow(chance(person_day_n * 8 + model_n, 'requests'), 2) as bigint)
            as request_count
    from active cross join models
    where chance(person_day_n * 8 + model_n, 'model') < share
)
select
    usage_n, person_n, day, vendor, model, tool, request_count,
    request_count * (500 + picked(usage_n, 'input', 2000)) as uncached_input_tokens,
    request_count * picked(usage_n, 'cache read', 24000) as cache_read_tokens,
    case when vendor = 'anthropic' then request_count * picked(usage_n, 'cache write', 1600) end
        as cache_write_5m_tokens,
    case when vendor = 'anthropic' then request_count * picked(usage_n, 'long cache', 200) end
        as cache_write_1h_tokens,
    request_count * (100 + picked(usage_n, 'output', 800)) as output_tokens
from used;

insert into consumption
select vendor, model, cast(day as date), token_class, sum(tokens)
from (
    unpivot usage
    on uncached_input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens,
        output_tokens
    into name token_class value tokens
)
group by all;
"""

# What is written every month, by feed.
MONTHLY = {
    "pull_requests": """
        select
            change_id(change_n) as pull_request_id, repository(service_n) as repository, created_at,
            person_id(case when is_bots then -1 else author_n end) as author_id, first_commit_at,
            case when chance(change_n, 'draft') < 0.2
                then created_at + seconds(600 * chance(change_n, 'ready')) end as ready_at,
            merged_at, closed_at,
            case when merged_at is not null then merge_sha(change_n) end as merge_commit_sha,
            additions, cast(additions * chance(change_n, 'deletions') as bigint) as deletions,
            1 + additions // 40 as changed_files,
            picked(change_n, 'tests', 1 + additions // 80) as test_files_changed,
            case when chance(change_n, 'hotfix') < 0.01 then 'hotfix' end as labels,
            one_of(change_n, 'work', [
                'feature', 'feature', 'feature', 'bug', 'bug', 'maintenance', 'design', 'research',
                'test', 'docs'
            ]) as work_type,
            case when has_ai and chance(change_n, 'declared') < 0.5 then 'claude' end as ai_tools,
            is_bots as author_is_bot,
            case when has_ai and chance(change_n, 'branch') < 0.1 then 'branch_claude' end
                as ai_evidence_rules,
            is_revert, chance(change_n, 'mends') < 0.01 as is_hotfix
        from changes order by change_n
    """,
    "pull_request_commits": """
        select change_id(change_n) as pull_request_id, commit_sha, authored_at
        from commits order by change_n, k
    """,
    "commits": """
        select
            commit_sha, repository(service_n) as repository, authored_at,
            person_id(case when is_bots then -1 else author_n end) as author_id,
            authored_at + interval 1 minute as committed_at,
            1 + additions // commit_count(change_n) as additions,
            picked(change_n * 8 + k, 'deleted lines', 1 + additions // commit_count(change_n))
                as deletions,
            is_bots as author_is_bot,
            case when has_ai and chance(change_n * 8 + k, 'trailer') < 0.8
                then 'trailer_co_author_claude' end as ai_evidence_rules,
            case when is_revert and k = commit_count(change_n) - 1
                then merge_sha(change_n - 1) end as reverted_commit_shas
        from commits inner join changes using (change_n) order by change_n, k
    """,
    "reviews": """
        with
        numbered as (
            select
                *, unnest(range(review_count(change_n))) as k,
                review_count(change_n) as review_count,
                coalesce(closed_at, least(created_at + interval 14 days, getvariable('as_of')))
                    as ended_at
            from changes
        ),
        drawn as (
            select
                *, change_n * 8 + k as review_n,
                first_person_n + picked(change_n * 8 + k, 'reviewer', person_count) as reviewer_n,
                chance(change_n * 8 + k, 'reviewed by a bot') < 0.03 as is_bots_review
            from numbered
        )
        select
            'review-' || review_n as review_id, change_id(change_n) as pull_request_id,
            created_at + seconds(
                epoch(ended_at - created_at) * (k + chance(review_n, 'moment')) / review_count
            ) as submitted_at,
            person_id(case
                when is_bots_review then -2
                -- nobody reviews a change of their own
                when reviewer_n = author_n
                    then first_person_n + (reviewer_n - first_person_n + 1) % person_count
                else reviewer_n
            end) as reviewer_id,
            case when is_bots_review then 'commented'
                when merged_at is not null and k = review_count - 1 then 'approved'
                else one_of(review_n, 'state', ['commented', 'commented', 'changes_requested'])
            end as state,
            picked(review_n, 'comments', 6) as comment_count, is_bots_review as reviewer_is_bot
        from drawn order by review_n
    """,
    "issues": """
        with
        asked as (
            select
                *,
                one_of(change_n, 'issue', ['story', 'story', 'task', 'task', 'task', 'bug', 'bug'])
                    as issue_type
            from changes where not is_bots and chance(change_n, 'was asked for') < 0.22
        )
        select
            'issue-' || change_n as issue_id, issue_type, team_id(services.team_n) as team_id,
            known(first_commit_at - seconds(3600 + 1728000 * chance(change_n, 'waits')))
                as created_at,
            service_id(service_n) as service_id, first_commit_at as started_at,
            merged_at as resolved_at,
            issue_type = 'bug' and chance(change_n, 'escaped') < 0.3 as is_escaped_defect,
            cast(chance(change_n, 'opened again') < 0.05 as bigint) as reopened_count,
            case when issue_type = 'bug' then 'bug' else 'feature' end as work_type,
            change_id(change_n) as pull_request_ids
        from asked inner join services using (service_n) order by change_n
    """,
    "deployments": """
        with
        newest as (
            select deployment_n, arg_max(change_n, (merged_at, change_n)) as change_n
            from last_changes group by deployment_n
        )
        select
            deployment_id(deployment_n) as deployment_id, service_id(service_n) as service_id,
            environment, status, finished_at,
            finished_at - seconds(60 + 1740 * chance(deployment_n, 'takes')) as started_at,
            merge_sha(newest.change_n) as commit_sha,
            remedies.broken_n is not null and chance(deployment_n, 'rollback') < 0.3 as is_rollback,
            remedies.broken_n is not null and chance(deployment_n, 'unplanned') < 0.6
                as is_unplanned,
            incident_id(remedies.broken_n) as remediates_incident_id
        from deployments
        left join remedies using (deployment_n)
        left join newest using (deployment_n)
        where month_n = getvariable('month_n') order by deployment_n
    """,
    "deployment_commits": """
        select deployment_id(shipped.deployment_n) as deployment_id, commit_sha
        from shipped
        inner join services using (service_n)
        inner join commits using (change_n)
        where services.lists_commits order by shipped.deployment_n, change_n, k
    """,
    "ai_usage": """
        select
            'usage-' || usage_n as usage_id, day as occurred_at, vendor, model, tool,
            person_id(person_n) as person_id, request_count, 'standard' as service_tier,
            false as is_batch, uncached_input_tokens, cache_read_tokens, cache_write_5m_tokens,
            cache_write_1h_tokens, output_tokens
        from usage order by usage_n
    """,
}

# What the vendors charge, once all of the use is known.
BILLING = """
create table prices as
from read_csv(getvariable('prices_seed'), types = {'usd_per_million': 'decimal(12,6)'});

create table spending as
select
    consumption.vendor, model, cost_date,
    sum(tokens * usd_per_million) * cast(0.000001 as decimal(7,6)) as usd
from consumption
inner join prices using (vendor, model)
where
    consumption.token_class = prices.token_class || '_tokens'
    and prices.service_tier = 'standard' and not prices.is_batch and min_context_tokens = 0
    and cost_date >= prices.valid_from and (prices.valid_to is null or cost_date < prices.valid_to)
group by all;
"""

# What is written once, by feed.
WHOLE_FEEDS = {
    "teams": """
        select
            team_id(team_n) as team_id, 'Team ' || (1 + team_n) as team_name,
            department_id(department_n) as parent_team_id, cost_center(department_n) as cost_center
        from teams
        union all
        select distinct
            department_id(department_n), 'Department ' || (1 + department_n),
            division_id(department_n // 10), cost_center(department_n)
        from teams
        union all
        select distinct
            division_id(department_n // 10), 'Division ' || (1 + department_n // 10), null, null
        from teams
        order by team_id
    """,
    "team_memberships": """
        select
            person_id(person_n) as person_id, team_id(team_n) as team_id, valid_from, valid_to,
            share
        from members order by person_n, team_n
    """,
    "services": """
        select
            service_id(service_n) as service_id, 'Service ' || (1 + service_n) as service_name,
            team_id(team_n) as team_id, repository(service_n) as repository
        from services order by service_n
    """,
    "incidents": """
        select
            incident_id(deployment_n) as incident_id, opened_at,
            service_id(service_n) as service_id,
            one_of(deployment_n, 'severity', ['minor', 'minor', 'major', 'critical']) as severity,
            seen(opened_at + interval 2 minutes) as detected_at,
            seen(opened_at + interval 5 minutes) as acknowledged_at,
            seen(resolved_at) as resolved_at,
            case when chance(deployment_n, 'cause is known') < 0.5
                then deployment_id(deployment_n) end as caused_by_deployment_id
        from incidents order by deployment_n
    """,
    "seats": """
        select
            vendor, 'team' as plan, adopted_on as assigned_on, person_id(person_n) as person_id,
            case vendor when 'anthropic' then 30 else 25 end as monthly_price, 'USD' as currency
        from (
            select *, one_of(person_n, 'seat', ['anthropic', 'anthropic', 'openai']) as vendor
            from people where uses_ai and adopted_on is not null
        )
        order by person_n
    """,
    "ai_costs": """
        select vendor, model, cost_date, round(usd, 2) as amount, 'USD' as currency
        from spending order by cost_date, vendor, model
    """,
    "invoices": """
        select
            vendor || strftime(ends_on, '-%Y-%m') as invoice_id, '1' as invoice_line_id, vendor,
            ends_on as invoice_date, starts_on as period_start, ends_on as period_end,
            'usage' as charge_category, round(sum(usd), 2) as amount, 'USD' as currency,
            'Use of models' as description
        from spending
        inner join months on cost_date >= starts_on and cost_date < ends_on
        where ends_on < cast(getvariable('as_of') as date)
        group by vendor, starts_on, ends_on order by ends_on, vendor
    """,
    "budgets": """
        select
            cost_center(department_n) as cost_center, starts_on as month,
            150 * sum(person_count) as amount, 'USD' as currency
        from teams cross join months
        group by department_n, starts_on order by starts_on, department_n
    """,
    "fx_rates": """
        select
            cast(unnest(range(
                cast(starts_on as timestamp), cast(ends_on as timestamp), interval 1 day
            )) as date) as rate_date,
            'EUR' as currency, 1.05 + month_n % 6 / 100 as usd_per_unit
        from months order by rate_date
    """,
    "initiatives": """
        select
            'initiative-' || team_n as initiative_id, team_id(team_n) as team_id,
            getvariable('starts_on')
            + cast(picked(team_n, 'initiative', getvariable('days')) as integer) as started_on,
            one_of(team_n, 'kind', ['platform', 'reorganisation', 'hiring']) as kind
        from teams where team_n % 20 = 0 order by team_n
    """,
}


def write(home: Path, *, teams: int, months: int, seed: int) -> None:
    """Writes the company's lake to ``home``, with the inventory: ready for `dbt build`.

    The company begins at ``worlds.STARTS_ON`` and is looked at ``months`` later. Raises LakeError
    if the lake there holds records already.
    """
    as_of = month_after(STARTS_ON, months)
    moment = datetime.combine(as_of, time())
    lake = Lake(home, clock=lambda: moment)
    if any(lake.batches(stream) for stream in files.STREAMS):
        raise LakeError(f"{home} holds records already; choose another folder")
    lake.ensure(files.STREAMS)
    with duckdb.connect(config={"memory_limit": MEMORY_LIMIT}) as connection:
        connection.execute("set timezone = 'UTC'")
        for name, value in {
            "teams": teams, "months": months, "seed": seed, "starts_on": STARTS_ON,
            "as_of": moment, "days": (as_of - STARTS_ON).days, "prices_seed": str(PRICES_SEED),
        }.items():  # fmt: skip
            connection.execute(f"set variable {name} = $1", [value])
        outcomes = list(_landed(lake, connection, months))
    inventory.write(lake, files.STREAMS)
    inventory.write_outcomes(lake, "files", outcomes)


def _landed(lake: Lake, connection: duckdb.DuckDBPyConnection, months: int) -> Iterator[Outcome]:
    for script in (MACROS, COMPANY, OPERATIONS):
        connection.execute(script)
    for month_n in range(months):
        connection.execute("set variable month_n = $1", [month_n])
        connection.execute(MONTH)
        for feed, query in MONTHLY.items():
            scope = f"{feed}-{month_after(STARTS_ON, month_n):%Y-%m}.parquet"
            yield _land(lake, connection, feed, scope, query)
    connection.execute(BILLING)
    for feed, query in WHOLE_FEEDS.items():
        yield _land(lake, connection, feed, f"{feed}.parquet", query)


def _land(
    lake: Lake, connection: duckdb.DuckDBPyConnection, feed: str, scope: str, query: str
) -> Outcome:
    """Lands a query's rows as what a file of that name would have given; what the query does not
    give is null."""
    stream = next(stream for stream in files.STREAMS if stream.name == feed)
    rows = connection.sql(query).to_arrow_reader(GROUP_ROWS)
    if unknown := set(rows.schema.names) - set(stream.schema.names):
        raise LakeError(f"{feed} has no column {', '.join(sorted(unknown))}")
    absent = [column for column in stream.schema if column.name not in rows.schema.names]
    with lake.writing(stream, scope) as batch:
        for chunk in rows:
            table = pa.table(chunk)
            for column in absent:
                table = table.append_column(column, pa.nulls(table.num_rows, column.type))
            batch.append(table)
    return Outcome("files", scope, "landed")
