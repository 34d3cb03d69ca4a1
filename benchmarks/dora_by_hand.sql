-- DORA by hand: what dora.dora_weekly, dora_monthly and dora_quarterly answer, as an engineer would
-- write it for one company's feeds, without models, tests or any system but `files`. Statements end
-- with a semicolon at the end of a line; $as_of is the moment looked from. benchmarks/marts.py runs
-- it beside the models and compares the two, column by column.
-- teams: the department of a team is its topmost ancestor
create temp table team as
with recursive up as (
    select team_id, team_id as top, parent_team_id as parent from teams
    union all
    select up.team_id, teams.team_id, teams.parent_team_id from up join teams on teams.team_id = up.parent
)
select team_id, top as department_id from up where parent is null
union all select 'unattributed', 'unattributed';

create temp table member as
with edges as (
    select person_id, valid_from as day from team_memberships union
    select person_id, coalesce(valid_to, date '9999-12-31') from team_memberships
), spans as (
    select person_id, day as valid_from, lead(day) over (partition by person_id order by day) as valid_to from edges
)
select s.person_id, s.valid_from, s.valid_to,
    arg_min(m.team_id, (-coalesce(m.share, 1), m.team_id)) as team_id
from spans s join team_memberships m on m.person_id = s.person_id
    and m.valid_from <= s.valid_from and coalesce(m.valid_to, date '9999-12-31') >= s.valid_to
where s.valid_to is not null group by all;

create temp table dep as
with production as (
    select d.*, row_number() over w as number, lag(commit_sha) over w as before,
        min(rownum) over (partition by service_id, commit_sha) as first_number
    from (
        select *, row_number() over (partition by service_id order by finished_at, deployment_id) as rownum
        from deployments
        where lower(environment) in ('prod', 'production', 'live') and status = 'success' and finished_at < $as_of
    ) d window w as (partition by service_id order by finished_at, deployment_id)
), judged as (
    select *, coalesce(is_rollback or (first_number < number and commit_sha <> before), false) as back from production
)
select j.deployment_id, j.service_id, coalesce(s.team_id, 'unattributed') as team_id, s.repository, number,
    j.finished_at, back, coalesce(is_unplanned, false) as is_unplanned, remediates_incident_id is not null as is_fix,
    case when lead(back) over w then lead(j.finished_at) over w end as rolled_back_at
from judged j left join services s on s.service_id = j.service_id
window w as (partition by j.service_id order by number);

create temp table shipped as
select c.commit_sha, d.deployment_id, d.service_id, d.number, d.finished_at
from deployment_commits c join dep d using (deployment_id);

create temp table change0 as
with by_merge as (
    select p.pull_request_id, arg_min(s.deployment_id, (s.finished_at, s.deployment_id)) as deployment_id
    from pull_requests p join shipped s on s.commit_sha = p.merge_commit_sha
    where p.merged_at < $as_of group by 1
), by_other as (
    select c.pull_request_id, arg_min(s.deployment_id, (s.finished_at, s.deployment_id)) as deployment_id
    from pull_request_commits c join shipped s using (commit_sha)
    anti join by_merge using (pull_request_id) group by 1
), silent as (
    select repository, min(service_id) as service_id from services
    left join (select distinct service_id as has from shipped) on has = service_id
    where repository is not null group by 1 having count(*) = 1 and count(has) = 0
), after_merge as (
    select p.pull_request_id, d.deployment_id
    from (select p.*, x.service_id from pull_requests p join silent x using (repository) where p.merged_at < $as_of) p
    asof join (select * from dep order by finished_at) d on d.service_id = p.service_id and d.finished_at >= p.merged_at
), link as (
    select * from by_merge union all select * from by_other union all
    select a.* from after_merge a anti join by_merge using (pull_request_id) anti join by_other using (pull_request_id)
), only_service as (
    select repository, min(service_id) as service_id from services where repository is not null group by 1 having count(*) = 1
)
select p.pull_request_id, p.repository, p.author_id, p.author_is_bot, p.merge_commit_sha, p.is_revert, p.is_hotfix or list_contains(string_split(lower(coalesce(p.labels, '')), ';'), 'hotfix') as is_hotfix,
    p.first_commit_at, p.created_at, p.ready_at, p.merged_at, p.additions, p.deletions, p.changed_files, p.test_files_changed,
    d.deployment_id, d.finished_at as deployed_at, coalesce(d.service_id, o.service_id) as service_id
from pull_requests p
left join link l using (pull_request_id) left join dep d on d.deployment_id = l.deployment_id
left join only_service o on o.repository = p.repository
where p.merged_at < $as_of;

create temp table own_first as
select pull_request_id, min(authored_at) as first_at from pull_request_commits
semi join (select pull_request_id from change0 where first_commit_at is null) using (pull_request_id) group by 1;

create temp table seen_review as
select r.pull_request_id, r.review_id, r.submitted_at, r.reviewer_id, r.state, r.comment_count
from reviews r join pull_requests p using (pull_request_id)
where r.submitted_at < $as_of and r.reviewer_id is not null and not coalesce(r.reviewer_is_bot, false)
    and r.reviewer_id <> coalesce(p.author_id, '');

create temp table first_review as
select pull_request_id, min(submitted_at) as first_review_at from seen_review group by 1;

create temp table change as
select c.*, coalesce(c.ready_at, c.created_at) as ready, f.first_review_at,
    coalesce(m.team_id, s.team_id, 'unattributed') as team_id,
    coalesce(c.first_commit_at, o.first_at) as began_at,
    case when c.deployed_at >= c.merged_at and c.deployed_at >= coalesce(c.first_commit_at, o.first_at)
        then cast(floor((epoch_us(c.deployed_at) - epoch_us(coalesce(c.first_commit_at, o.first_at))) / 1000000) as bigint) end as lead_seconds
from change0 c
left join first_review f using (pull_request_id) left join own_first o using (pull_request_id)
left join services s on s.service_id = c.service_id
left join member m on m.person_id = c.author_id and c.merged_at::date >= m.valid_from and c.merged_at::date < m.valid_to;

create temp table revert as
with known as (select commit_sha, repository, lower(unnest(string_split(reverted_commit_shas, ';'))) as prefix from commits where reverted_commit_shas is not null),
short as (select *, left(prefix, 7) as seven from known),
found as (
    select s.commit_sha as revert_sha, min(c.commit_sha) as reverted_sha
    from short s join commits c on c.repository = s.repository and left(c.commit_sha, 7) = s.seven and starts_with(c.commit_sha, s.prefix)
    group by s.commit_sha, s.prefix, s.repository having count(*) = 1
)
select distinct revert_sha, reverted_sha from found where revert_sha <> reverted_sha;

create temp table revert_link as
with asked as (select revert_sha as commit_sha from revert union select reverted_sha from revert),
where_ as (
    select s.commit_sha, s.deployment_id from shipped s semi join asked using (commit_sha)
    union select c.merge_commit_sha, c.deployment_id from change c join asked a on a.commit_sha = c.merge_commit_sha where c.deployment_id is not null
    union select p.commit_sha, c.deployment_id from pull_request_commits p semi join asked using (commit_sha)
        join change c using (pull_request_id) where c.deployment_id is not null
), first_ as (
    select d.service_id, w.commit_sha, arg_min(d.deployment_id, d.number) as deployment_id, min(d.number) as number, arg_min(d.finished_at, d.number) as finished_at
    from where_ w join dep d using (deployment_id) group by 1, 2
)
select b.deployment_id as broken_id, m.deployment_id as mending_id, m.finished_at,
    coalesce(b.number < m.number and epoch_us(m.finished_at) - epoch_us(b.finished_at) <= 24 * 3600000000, false) as is_failure
from revert r join first_ m on m.commit_sha = r.revert_sha
left join first_ b on b.commit_sha = r.reverted_sha and b.service_id = m.service_id;

create temp table incident as
with late as (
    select i.incident_id, d.deployment_id from (select * from incidents where opened_at < $as_of and service_id is not null) i
    asof join (select * from dep) d on d.service_id = i.service_id and d.finished_at < i.opened_at
    where epoch_us(i.opened_at) - epoch_us(d.finished_at) <= 24 * 3600000000
)
select i.incident_id, i.service_id, coalesce(s.team_id, 'unattributed') as team_id, i.opened_at, i.detected_at,
    case when i.resolved_at < $as_of then i.resolved_at end as resolved_at,
    coalesce(n.deployment_id, l.deployment_id) as deployment_id, n.deployment_id is not null as is_explicit
from incidents i left join dep n on n.deployment_id = i.caused_by_deployment_id
left join late l using (incident_id) left join services s on s.service_id = i.service_id
where i.opened_at < $as_of;

create temp table outcome as
with hit as (
    select deployment_id, count(*) as n, count_if(is_explicit) as explicit, count(resolved_at) as resolved, min(detected_at) as detected_at, max(resolved_at) as resolved_at
    from incident where deployment_id is not null group by 1
), undone as (select broken_id as deployment_id, min(finished_at) as reverted_at from revert_link where is_failure group by 1),
named as (select merge_commit_sha as sha, pull_request_id from change union all select commit_sha, pull_request_id from pull_request_commits),
knows as (select distinct n.pull_request_id from named n semi join revert r on r.revert_sha = n.sha),
rework as (
    select deployment_id from dep where is_unplanned or is_fix or back
    union select mending_id from revert_link where mending_id <> coalesce(broken_id, '')
    union select deployment_id from change c anti join knows using (pull_request_id) where is_revert and deployment_id is not null
    union select deployment_id from change where is_hotfix and deployment_id is not null
)
select d.deployment_id, d.service_id, d.team_id, d.finished_at, r.deployment_id is not null as is_rework,
    case when h.explicit > 0 then 'explicit' when d.rolled_back_at is not null then 'rollback'
        when u.reverted_at is not null then 'revert' when h.n > 0 then 'incident_window' end as method,
    case when h.n is null then least(d.rolled_back_at, u.reverted_at) when h.resolved = h.n then h.resolved_at end as recovered_at,
    h.detected_at
from dep d left join hit h using (deployment_id) left join undone u using (deployment_id) left join rework r using (deployment_id);

create temp table day as
with d as (select unnest(generate_series((select min(x)::date from (
        select min(created_at) as x from pull_requests union all select min(coalesce(started_at, finished_at)) from deployments
        union all select min(opened_at) from incidents union all select min(created_at) from issues)), $as_of::date - 1, interval 1 day))::date as day)
select day, 'week' as kind, date_trunc('week', day)::date as start from d union all
select day, 'month', date_trunc('month', day)::date from d union all
select day, 'quarter', date_trunc('quarter', day)::date from d;

create temp table dora_deployments as
select kind, start,
    case when grouping(department_id) = 0 then 'department' when grouping(team_id) = 0 then 'team' when grouping(service_id) = 0 then 'service' else 'organization' end as scope_type,
    case when grouping(department_id) = 0 then department_id when grouping(team_id) = 0 then team_id when grouping(service_id) = 0 then service_id else 'organization' end as scope_id,
    count(*) as deployment_count, count(distinct day) as deployment_day_count, count(method) as failed_deployment_count,
    count_if(method = 'explicit') as explicit_failure_count, count_if(method = 'rollback') as rollback_failure_count, count_if(method = 'revert') as revert_failure_count, count_if(method = 'incident_window') as incident_window_failure_count,
    count_if(method is not null and recovered_at is not null) as recovered_deployment_count, count_if(is_rework) as rework_deployment_count,
    quantile_cont(case when method is not null and recovered_at >= finished_at then floor((epoch_us(recovered_at) - epoch_us(finished_at)) / 1000000) end, 0.5) / 3600 as median_failed_deployment_recovery_hours,
    quantile_cont(case when method is not null and recovered_at >= detected_at then floor((epoch_us(recovered_at) - epoch_us(detected_at)) / 1000000) end, 0.5) / 3600 as median_recovery_from_detection_hours
from outcome join team using (team_id) join day on day.day = finished_at::date
group by grouping sets ((kind, start), (kind, start, department_id), (kind, start, team_id), (kind, start, service_id));

create temp table dora_changes as
with dated as (
    select merged_at::date as day, service_id, team_id, 1 as merged, null as coding, null as pickup, null as review, null as deploy, null as lead_seconds from change where not author_is_bot
    union all
    select deployed_at::date, service_id, team_id, 0,
        floor((epoch_us(ready) - epoch_us(began_at)) / 1000000), floor((epoch_us(first_review_at) - epoch_us(ready)) / 1000000),
        floor((epoch_us(merged_at) - epoch_us(first_review_at)) / 1000000), floor((epoch_us(deployed_at) - epoch_us(merged_at)) / 1000000), lead_seconds
    from change where not author_is_bot and lead_seconds is not null
)
select kind, start,
    case when grouping(department_id) = 0 then 'department' when grouping(team_id) = 0 then 'team' when grouping(service_id) = 0 then 'service' else 'organization' end as scope_type,
    case when grouping(department_id) = 0 then department_id when grouping(team_id) = 0 then team_id when grouping(service_id) = 0 then service_id else 'organization' end as scope_id,
    sum(merged) as change_count, count(lead_seconds) as deployed_change_count,
    quantile_cont(lead_seconds, 0.5) / 3600 as median_change_lead_time_hours, quantile_cont(lead_seconds, 0.9) / 3600 as p90_change_lead_time_hours,
    avg(coding) filter (coding >= 0) / 3600 as mean_coding_hours, avg(pickup) filter (pickup >= 0) / 3600 as mean_pickup_hours,
    avg(review) filter (review >= 0) / 3600 as mean_review_hours, avg(deploy) filter (deploy >= 0) / 3600 as mean_deploy_hours
from dated join team using (team_id) join day on day.day = dated.day
group by grouping sets ((kind, start), (kind, start, department_id), (kind, start, team_id), (kind, start, service_id));
