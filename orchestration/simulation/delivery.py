"""How changes reach production, and what breaks there.

Each service's pipeline goes through its merges in time order, deploys them, and lives with the
faults they bring: incidents, rollbacks, hotfixes, reverts, bugs. Last, what the company's
``as_of`` cannot see is taken away. An incident's hours pass around the clock.
"""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, time, timedelta
from heapq import heappop, heappush
from operator import attrgetter

from orchestration.simulation.development import (
    BRINGS_BUG,
    BUG_ESCAPES,
    Change,
    Content,
    Development,
    Draw,
    Setting,
    hours,
    lognormal,
)
from orchestration.simulation.organization import Organization
from orchestration.simulation.records import (
    Cause,
    Deployment,
    DeploymentCommit,
    Incident,
    Issue,
    PullRequest,
    Service,
)

# Medians; in hours of work until somebody turns to it, around the clock once production is broken.
BUG_WAITS_HOURS, REDO_WAITS_HOURS = 16.0, 24.0
DETECTION_HOURS, RECOVERY_HOURS, REVERT_HOURS = 1.5, 2.5, 6.0
LONGEST_DETECTION_HOURS = 30.0

# Chances of a change that is shipped, before the team's factors.
BREAKS, IS_REDONE, REDONE_BY_REVERT = 0.07, 0.07, 0.35
DEPLOYMENT_FAILS = 0.045
INCIDENTS_WITHOUT_CAUSE = 0.012  # a service and month


def work(organization: Organization) -> None:
    """Fill the feeds of delivery and ``planted.causes``, up to the company's ``as_of``."""
    development = Development(organization)
    for month in organization.months:
        for team_id in organization.teams_on(month):
            development.plan(team_id, month)
    changes: dict[str, list[Change]] = defaultdict(list)
    for change in development.changes:
        changes[change.service.service_id].append(change)
    for service in organization.company.services:
        planned = changes[service.service_id] + development.bot_changes(service)
        _Pipeline(development, service, planned).run()
    _strike_without_cause(organization)
    _forget_what_is_later(organization)


Action = Callable[[datetime], None]


class _Pipeline:
    """One service: it deploys what is merged, and lives with what that breaks."""

    def __init__(self, development: Development, service: Service, changes: list[Change]) -> None:
        self._development, self._service = development, service
        self._organization = development.organization
        self._company = development.company
        draw = self._organization.random("pipeline", service.service_id)
        self._links = draw.choices(("listed", "unlisted", "never"), (55, 30, 15))[0]
        self._cadence = draw.choices(("merge", "day", "week"), (5, 3, 2))[0]
        self._environment = draw.choices(("production", "prod", "live"), (6, 3, 1))[0]
        self._has_staging, self._has_shas = draw.random() < 0.2, draw.random() < 0.8
        self._knows_plans = draw.random() < 0.5
        self._weekday = draw.choice((1, 2, 3))
        self._time = self._organization.working_time(str(service.team_id))
        self._owners = development.ownerships(service.service_id)
        self._waiting: list[Change] = []
        self._next: datetime | None = None
        self._free = datetime.combine(self._organization.months[0], time())
        self._live: list[Deployment] = []
        self._deployment_count = 0
        self._events: list[tuple[datetime, int, Action]] = []
        self._event_count = 0
        for change in changes:
            self._await_merge(change)

    def run(self) -> None:
        """Everything that happens to the service, in order, until ``as_of``."""
        while self._events:
            at, _, action = heappop(self._events)
            if at >= self._company.as_of:
                return
            action(at)

    def _at(self, moment: datetime, action: Action) -> None:
        self._event_count += 1
        heappush(self._events, (moment, self._event_count, action))

    def _await_merge(self, change: Change) -> None:
        if change.pull_request.merged_at:
            self._at(change.pull_request.merged_at, lambda at: self._merged(change, at))

    def _owner(self, at: datetime) -> Setting | None:
        """The month of the team that owns the service; None after the end."""
        day = at.date()
        for team_id, since, until in self._owners:
            if since <= day < until:
                return self._development.setting(team_id, day.replace(day=1))
        return None

    def _merged(self, change: Change, at: datetime) -> None:
        if self._links == "never":
            self._live_with(change, None, at)
            return
        self._waiting.append(change)
        if change.mends is None and self._next:
            return
        draw = self._organization.random("deployment", change.key)
        if change.mends:
            soon = at + timedelta(minutes=3)
            self._at(soon, lambda at: self._deploy(draw, at, change.mends))
        else:
            self._next = self._slot(draw, at)
            self._at(self._next, lambda at: self._deploy(draw, at))

    def _slot(self, draw: Draw, at: datetime) -> datetime:
        """When the service is deployed next."""
        if self._cadence == "merge":
            return at + hours(lognormal(draw, 0.4, 0.7))
        day = int(self._time.position(at) // 8)
        hour = 6.0 + draw.random()
        while self._time.moment(day * 8 + hour) <= at or not self._is_deployment_day(day):
            day += 1
        return self._time.moment(day * 8 + hour)

    def _is_deployment_day(self, day: int) -> bool:
        return self._cadence == "day" or self._time.days[day].weekday() == self._weekday

    def _deploy(
        self, draw: Draw, at: datetime, mends: Incident | None = None, attempt: int = 1
    ) -> None:
        """Try to ship what waits; a failed attempt is repeated."""
        if mends is None:
            self._next = None
        if not self._waiting:
            if mends and mends.resolved_at is None:  # it went out with another deployment
                mends.resolved_at = max(at, self._free)
            return
        started = max(at, self._free)
        finished = started + hours(lognormal(draw, 0.1, 0.5))
        self._free = finished
        luck, says = draw.random(), draw.random()
        newest = self._waiting[-1].pull_request.merge_commit_sha
        if self._has_staging and attempt == 1:
            early = started - timedelta(minutes=1)
            self._record(early - timedelta(minutes=5), early, "success", newest, "staging")
        if luck < DEPLOYMENT_FAILS and attempt == 1:
            status = "cancelled" if luck < DEPLOYMENT_FAILS / 4 else "failure"
            self._record(started, finished, status, newest)
            self._at(finished + timedelta(minutes=12), lambda at: self._deploy(draw, at, mends, 2))
            return
        deployment = self._record(started, finished, "success", newest)
        if mends:
            # Some say so, some name the incident, some do both, and some only have the branch.
            deployment.is_unplanned = True if says < 0.55 else deployment.is_unplanned
            deployment.remediates_incident_id = mends.incident_id if 0.4 < says < 0.8 else None
            mends.resolved_at = finished + timedelta(minutes=4)
        self._ship(deployment)

    def _record(
        self, started: datetime, finished: datetime, status: str, sha: str | None,
        environment: str | None = None,
    ) -> Deployment:  # fmt: skip
        self._deployment_count += 1
        deployment = Deployment(
            f"{self._service.service_id}-{self._deployment_count}", self._service.service_id,
            environment or self._environment, status, finished, started,
            sha if self._has_shas else None,
        )  # fmt: skip
        if self._knows_plans:
            deployment.is_rollback = deployment.is_unplanned = False
        self._company.deployments.append(deployment)
        return deployment

    def _ship(self, deployment: Deployment) -> None:
        shipped, self._waiting = self._waiting, []
        self._live.append(deployment)
        for change in shipped:
            if self._links == "listed":
                self._company.deployment_commits += [
                    DeploymentCommit(deployment.deployment_id, sha) for sha in change.shipped_as
                ]
            self._live_with(change, deployment, deployment.finished_at)

    def _live_with(self, change: Change, deployment: Deployment | None, at: datetime) -> None:
        """What comes of a change in production (or, never deployed, on the main line)."""
        factors = change.factors
        if deployment and change.breaks < BREAKS * factors["incidents"]:
            self._break(change, deployment, at)
        brings_bug = change.brings_bug < BRINGS_BUG * factors["defects"]
        if deployment and brings_bug and change.manner < BUG_ESCAPES:
            self._let_bug_out(change, deployment, at)
        if change.is_redone < IS_REDONE * factors["rework"]:
            if change.manner < REDONE_BY_REVERT:
                self._take_back(change, at)
            else:
                self._do_again(change, at)

    def _break(self, change: Change, deployment: Deployment, at: datetime) -> None:
        """An incident, and one of four ways out of it."""
        draw = self._organization.random("incident", change.key)
        delay = min(lognormal(draw, DETECTION_HOURS, 1.2), LONGEST_DETECTION_HOURS)
        opened = at + timedelta(minutes=2) + hours(delay)
        owner = self._owner(opened)
        if owner is None:
            return
        recovery = lognormal(draw, RECOVERY_HOURS, 0.9) * owner.factors["recovery_time"]
        way_out, says = draw.random(), draw.random()
        incident = _incident(
            draw, self._development.new_id("incident", change.key), opened, recovery
        )
        if says < 0.96:
            incident.service_id = self._service.service_id
        if says < 0.6:
            incident.caused_by_deployment_id = deployment.deployment_id
        self._company.incidents.append(incident)
        self._company.planted.causes.append(
            Cause(
                incident.incident_id, change.pull_request.pull_request_id,
                deployment.deployment_id, at,
            )
        )  # fmt: skip
        over = opened + hours(recovery)
        if way_out < 0.25:
            self._at(over, lambda at: self._roll_back(deployment, incident, at))
        elif way_out < 0.7:
            merged = opened + hours(recovery * 0.9)
            self._at(merged, lambda at: self._mend(change, incident, way_out < 0.55, at))
        else:
            incident.resolved_at = over

    def _roll_back(self, deployment: Deployment, incident: Incident, at: datetime) -> None:
        """Back to the version before, if nothing has been deployed since."""
        incident.resolved_at = at
        if len(self._live) < 2 or self._live[-1] is not deployment or self._free > at:
            return
        finished = at + timedelta(minutes=6)
        self._free = finished
        back = self._record(at, finished, "success", self._live[-2].commit_sha)
        if not self._has_shas or self._knows_plans:
            back.is_rollback = True
        self._live.append(back)
        incident.resolved_at = finished + timedelta(minutes=3)

    def _mend(self, change: Change, incident: Incident, by_hotfix: bool, at: datetime) -> None:
        """A hotfix or a revert, merged now and deployed at once."""
        key = f"{change.key}|mend"
        title, sha = change.pull_request.title, change.pull_request.merge_commit_sha
        if by_hotfix:
            labelled = self._organization.random("labelled", key).random() < 0.6
            content = Content(
                f"Fix after: {title}", f"hotfix/{incident.incident_id}", "bug", 9, 3,
                ("hotfix",) if labelled else (),
            )  # fmt: skip
        else:
            content = _revert(change.pull_request, str(sha))
        begin = incident.opened_at + (at - incident.opened_at) / 2
        mending = self._urgent(key, change, begin.replace(microsecond=0), at, content)
        if mending is None:
            incident.resolved_at = at
            return
        mending.mends = incident
        self._await_merge(mending)

    def _urgent(
        self, key: str, change: Change, begin: datetime, at: datetime,
        content: Content,
    ) -> Change | None:  # fmt: skip
        owner = self._owner(begin)
        if owner is None:
            return None
        draw = self._organization.random("urgent", key)
        author = self._development.somebody(
            draw, owner.team_id, begin.date(), change.pull_request.author
        )
        if author is None:
            return None
        return self._development.mend(draw, key, owner, author, self._service, begin, at, content)

    def _take_back(self, change: Change, at: datetime) -> None:
        """A revert in peace; it goes out with what is deployed next."""
        key = f"{change.key}|revert"
        draw = self._organization.random("take back", key)
        begin = at + timedelta(minutes=20) + hours(lognormal(draw, REVERT_HOURS, 1.2))
        sha = change.pull_request.merge_commit_sha
        content = _revert(change.pull_request, str(sha))
        taken_back = self._urgent(key, change, begin, begin + timedelta(minutes=50), content)
        if taken_back:
            self._await_merge(taken_back)

    def _do_again(self, change: Change, at: datetime) -> None:
        """The same work once more some days later; now and then its issue is opened again."""
        wait = lognormal(self._organization.random("again", change.key), REDO_WAITS_HOURS)
        again = self._follow_up(
            f"{change.key}|again", change, at, wait,
            str(change.pull_request.work_type), f"Rework: {change.pull_request.title}",
        )  # fmt: skip
        if again and change.issue and change.is_redone * 1000 % 1 < 0.5:
            change.issue.reopened_count = (change.issue.reopened_count or 0) + 1
            self._development.link(again, change.issue)

    def _let_bug_out(self, change: Change, deployment: Deployment, at: datetime) -> None:
        """A bug that users find, and mostly its fix."""
        key = f"{change.key}|escaped bug"
        draw = self._organization.random("escaped bug", key)
        found = at + timedelta(hours=1) + hours(lognormal(draw, 100.0, 1.0))
        owner = self._owner(found)
        if owner is None:
            return
        issue = Issue(
            self._development.new_id("bug", key), "bug", found,
            owner.team_id if draw.random() < 0.9 else None, self._service.service_id,
            labels=("customer",) if draw.random() < 0.3 else (),
            is_escaped_defect=True, work_type="bug",
        )  # fmt: skip
        self._company.issues.append(issue)
        self._company.planted.causes.append(
            Cause(issue.issue_id, change.pull_request.pull_request_id, deployment.deployment_id, at)
        )
        if draw.random() < 0.85:
            wait = lognormal(draw, BUG_WAITS_HOURS)
            title = f"Fix after: {change.pull_request.title}"
            mending = self._follow_up(f"{key}|fix", change, found, wait, "bug", title)
            if mending:
                self._development.link(mending, issue)

    def _follow_up(
        self, key: str, change: Change, at: datetime, wait: float,
        work_type: str, title: str,
    ) -> Change | None:  # fmt: skip
        """Another change to the service, begun after so many hours of work."""
        begin = self._time.position(at) + wait
        owner = self._owner(self._time.moment(begin))
        if owner is None:
            return None
        day = self._time.moment(begin).date()
        draw = self._organization.random("follow up", key)
        author = self._development.somebody(draw, owner.team_id, day, change.pull_request.author)
        if author is None:
            return None
        position = owner.time.position(self._time.moment(begin))
        again = self._development.develop(
            draw, key, owner, author, self._service, position, work_type, title
        )
        self._await_merge(again)
        return again


def _incident(draw: Draw, incident_id: str, opened: datetime, recovery: float) -> Incident:
    """An incident noticed early in its course; not everybody writes down when."""
    detected = opened + hours(recovery * 0.2 * draw.random())
    incident = Incident(incident_id, opened, title="Something is down")
    incident.severity = draw.choices(("sev1", "sev2", "sev3", "sev4"), (5, 20, 50, 25))[0]
    if draw.random() < 0.8:
        incident.detected_at = detected
    if draw.random() < 0.7:
        incident.acknowledged_at = detected + hours(recovery * 0.1 * draw.random())
    return incident


def _revert(pull_request: PullRequest, sha: str) -> Content:
    return Content(
        f'Revert "{pull_request.title}"', f"revert-{pull_request.head_branch}",
        pull_request.work_type, pull_request.deletions or 0, pull_request.additions or 0,
        trailers=f"This reverts commit {sha}.",
    )  # fmt: skip


def _strike_without_cause(organization: Organization) -> None:
    """Incidents that no change of the company brought about: a provider, a cable."""
    for service in organization.company.services:
        for month in organization.months:
            draw = organization.random("outage", service.service_id, month)
            if draw.random() < INCIDENTS_WITHOUT_CAUSE:
                opened = datetime.combine(month, time()) + hours(draw.random() * 672)
                recovery = lognormal(draw, RECOVERY_HOURS)
                incident_id = f"outage-{service.service_id}-{month:%Y-%m}"
                incident = _incident(draw, incident_id, opened, recovery)
                incident.service_id = service.service_id if draw.random() < 0.8 else None
                incident.resolved_at = opened + hours(recovery)
                organization.company.incidents.append(incident)


def _forget_what_is_later(organization: Organization) -> None:
    """Drop records that do not exist yet, and empty moments that have not come; sort by time."""
    company = organization.company
    as_of = company.as_of

    def seen(moment: datetime | None) -> datetime | None:
        return moment if moment and moment < as_of else None

    company.commits = sorted(
        (c for c in company.commits if c.authored_at < as_of),
        key=attrgetter("authored_at", "commit_sha"),
    )
    company.pull_requests = sorted(
        (p for p in company.pull_requests if p.created_at < as_of),
        key=attrgetter("created_at", "pull_request_id"),
    )
    for pull_request in company.pull_requests:
        pull_request.ready_at = seen(pull_request.ready_at)
        pull_request.merged_at = seen(pull_request.merged_at)
        pull_request.closed_at = seen(pull_request.closed_at)
        if pull_request.merged_at is None:
            pull_request.merge_commit_sha = None
    known = {pull_request.pull_request_id for pull_request in company.pull_requests}
    company.pull_request_commits = [
        link
        for link in company.pull_request_commits
        if link.pull_request_id in known and seen(link.authored_at)
    ]
    company.reviews = sorted(
        (r for r in company.reviews if r.pull_request_id in known and r.submitted_at < as_of),
        key=attrgetter("submitted_at", "review_id"),
    )
    company.ci_runs = sorted(
        (run for run in company.ci_runs if seen(run.finished_at)),
        key=attrgetter("started_at", "ci_run_id"),
    )
    company.deployments = sorted(
        (d for d in company.deployments if d.finished_at < as_of),
        key=attrgetter("finished_at", "deployment_id"),
    )
    shipped_by = {deployment.deployment_id for deployment in company.deployments}
    company.deployment_commits = [
        link for link in company.deployment_commits if link.deployment_id in shipped_by
    ]
    _forget_later_trouble(organization, known, seen)


def _forget_later_trouble(
    organization: Organization,
    known: set[str],
    seen: Callable[[datetime | None], datetime | None],
) -> None:
    """The same for incidents and issues; ``known``: ids of pull requests."""
    company = organization.company
    company.incidents = sorted(
        (incident for incident in company.incidents if seen(incident.opened_at)),
        key=attrgetter("opened_at", "incident_id"),
    )
    for incident in company.incidents:
        incident.detected_at = seen(incident.detected_at)
        incident.acknowledged_at = seen(incident.acknowledged_at)
        incident.resolved_at = seen(incident.resolved_at)
    company.issues = sorted(
        (issue for issue in company.issues if seen(issue.created_at)),
        key=attrgetter("created_at", "issue_id"),
    )
    for issue in company.issues:
        issue.started_at = seen(issue.started_at)
        issue.resolved_at = seen(issue.resolved_at)
        issue.pull_request_ids = tuple(i for i in issue.pull_request_ids if i in known)
    effects = {incident.incident_id for incident in company.incidents}
    effects |= {issue.issue_id for issue in company.issues}
    company.planted.causes = [c for c in company.planted.causes if c.effect_id in effects]
