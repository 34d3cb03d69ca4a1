"""Every deployment, merged change and incident, with what METRICS.md's rules say of each."""

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property

from orchestration.simulation.records import (
    Commit,
    Company,
    Deployment,
    Incident,
    Issue,
    PullRequest,
    Review,
)
from orchestration.simulation.truth.directory import (
    UNATTRIBUTED,
    Directory,
    Policy,
    Row,
    feed_id,
    is_seen,
    published_id,
)
from orchestration.simulation.truth.periods import seconds_between

REVERTS = re.compile(
    r"^\W*(?:this reverts commits?:?|reverts:)\s+(.+)$", re.IGNORECASE | re.MULTILINE
)
SHA = re.compile(r"\b[0-9a-f]{7,64}\b", re.IGNORECASE)
REVERT_TITLE = re.compile(r"revert( |:|!:|\([^)]*\)!?:)", re.IGNORECASE)
HOTFIX_BRANCH = re.compile(r"hotfix[/-]", re.IGNORECASE)


@dataclass(eq=False)
class Deployed:
    """A successful production deployment."""

    record: Deployment
    team_id: str
    number: int  # its place among its service's, from 0
    lists: set[str]  # commits that its source lists
    is_rollback: bool = False
    next: "Deployed | None" = None
    changes: "list[Changed]" = field(default_factory=list)
    # Commits of what it ships, however known. One that is listed again does not ship again.
    carries: set[str] = field(default_factory=set)
    incidents: list[Incident] = field(default_factory=list)
    is_named_by_incident: bool = False
    reverts: "list[Deployed]" = field(default_factory=list)  # those that revert some of it
    failure_link_method: str | None = None
    rework_reason: str | None = None

    @property
    def order(self) -> tuple[datetime, str]:
        """When, and at one moment the larger id is the later."""
        return self.record.finished_at, self.record.deployment_id

    @property
    def finished_at(self) -> datetime:
        """The moment it counts at."""
        return self.record.finished_at

    @property
    def failed_at(self) -> datetime | None:
        """When its earliest incident was detected, else opened."""
        return min((i.detected_at or i.opened_at for i in self.incidents), default=None)

    @property
    def recovered_at(self) -> datetime | None:
        """When its last incident was resolved; only without one, when the earliest rollback or
        revert finished."""
        if self.incidents:
            resolved = [i.resolved_at for i in self.incidents]
            known = [moment for moment in resolved if moment is not None]
            return max(known) if len(known) == len(resolved) else None
        undone = [later.finished_at for later in self.reverts]
        if self.next and self.next.is_rollback:
            undone.append(self.next.finished_at)
        return min(undone, default=None)

    @property
    def recovery_seconds(self) -> int | None:
        """From its finish to its recovery; None if that was before it finished."""
        return _not_negative(seconds_between(self.finished_at, self.recovered_at))

    @property
    def recovery_from_detection_seconds(self) -> int | None:
        """From the first detection to its recovery."""
        detected = [i.detected_at for i in self.incidents if i.detected_at is not None]
        return _not_negative(seconds_between(min(detected, default=None), self.recovered_at))


@dataclass(eq=False)
class Changed:
    """A merged change. ``commits``: with its merge commit. What is cached is asked for only once
    its deployment is known."""

    record: PullRequest
    merged_at: datetime
    author: str | None
    is_bot_change: bool
    commits: set[str]
    reviews: list[Review]
    first_commit_at: datetime | None
    last_commit_at: datetime | None
    is_revert: bool
    is_hotfix: bool
    deployment: Deployed | None = None
    link_method: str | None = None
    service_id: str | None = None
    team_id: str = UNATTRIBUTED

    @property
    def ready_at(self) -> datetime:
        """When it was ready for review, else opened."""
        return self.record.ready_at or self.record.created_at

    @cached_property
    def first_review_at(self) -> datetime | None:
        """When another known person, no bot, first reviewed it."""
        return min((review.submitted_at for review in self.reviews), default=None)

    @property
    def deployed_at(self) -> datetime | None:
        """When its deployment finished."""
        return self.deployment.finished_at if self.deployment else None

    @cached_property
    def raw_stages(self) -> dict[str, int | None]:
        """Coding, pickup, review and deploy in seconds, as the moments give them."""
        return {
            "coding": seconds_between(self.first_commit_at, self.ready_at),
            "pickup": seconds_between(self.ready_at, self.first_review_at),
            "review": seconds_between(self.first_review_at, self.merged_at),
            "deploy": seconds_between(self.merged_at, self.deployed_at),
        }

    @cached_property
    def stages(self) -> dict[str, int | None]:
        """The same, without the negative ones."""
        return {name: _not_negative(seconds) for name, seconds in self.raw_stages.items()}

    @property
    def negative_stage_count(self) -> int:
        """How many came out negative."""
        return sum(1 for seconds in self.raw_stages.values() if seconds is not None and seconds < 0)

    @cached_property
    def no_lead_time_reason(self) -> str | None:
        """Why it has no lead time, the first that applies."""
        if self.not_deployed_reason:
            return self.not_deployed_reason
        if self.first_commit_at is None:
            return "no_commits"
        if self.deployed_at is not None and self.deployed_at < self.first_commit_at:
            return "deployed_before_first_commit"
        return None

    @property
    def not_deployed_reason(self) -> str | None:
        """Why nothing deployed it after it merged, the first that applies."""
        if self.deployed_at is None:
            return "no_service" if self.service_id is None else "not_deployed"
        return "deployed_before_merge" if self.deployed_at < self.merged_at else None

    @property
    def lead_time_seconds(self) -> int | None:
        """From its first commit to its deployment."""
        if self.no_lead_time_reason:
            return None
        return seconds_between(self.first_commit_at, self.deployed_at)


@dataclass(eq=False)
class Broken:
    """An incident."""

    record: Incident
    team_id: str
    deployment: Deployed | None = None
    link_method: str | None = None


class Delivery:
    """All of them, linked."""

    def __init__(self, company: Company, directory: Directory, policy: Policy) -> None:
        self._company, self._directory, self._policy = company, directory, policy
        self._as_of = company.as_of
        self._window = timedelta(hours=policy.failure_window_hours)
        self.commits = {commit.commit_sha: commit for commit in company.commits}
        self.reverted_by = _reverted_commits(company.commits)
        self.reverting = {sha for reverts in self.reverted_by.values() for sha in reverts}
        self.of_service: dict[str, list[Deployed]] = {}
        self.deployments = self._successful_deployments()
        self._by_id = {d.record.deployment_id: d for d in self.deployments}
        self.shipped_by: dict[str, list[Deployed]] = {}
        for deployed in self.deployments:
            for sha in deployed.lists:
                self.shipped_by.setdefault(sha, []).append(deployed)
        self.changes = self._merged_changes()
        self._by_pull_request = {c.record.pull_request_id: c for c in self.changes}
        self._link_changes()
        self.incidents = self._linked_incidents()
        self._find_failures()
        self._find_rework()

    # Deployments

    def _successful_deployments(self) -> list[Deployed]:
        lists: dict[str, set[str]] = {}
        for row in self._company.deployment_commits:
            lists.setdefault(str(feed_id(row.deployment_id)), set()).add(row.commit_sha)
        environments = {name.casefold() for name in self._policy.production_environments}
        records = [
            record
            for record in self._company.deployments
            if record.status == "success"
            and record.environment.casefold() in environments
            and is_seen(record.finished_at, self._as_of)
        ]
        found = []
        for record in sorted(records, key=lambda r: (r.finished_at, r.deployment_id)):
            earlier = self.of_service.setdefault(record.service_id, [])
            team_id = self._directory.team_of_service(record.service_id)
            listed = lists.get(record.deployment_id, set())
            deployed = Deployed(record, team_id, len(earlier), listed, carries=set(listed))
            deployed.is_rollback = record.is_rollback is True or _goes_back(record, earlier)
            if earlier:
                earlier[-1].next = deployed
            earlier.append(deployed)
            found.append(deployed)
        return found

    # Changes

    def _merged_changes(self) -> list[Changed]:
        authored_of: dict[str, list[datetime]] = {}
        commits_of: dict[str, set[str]] = {}
        for row in self._company.pull_request_commits:
            pull_request_id = str(feed_id(row.pull_request_id))
            commits_of.setdefault(pull_request_id, set()).add(row.commit_sha)
            commit = self.commits.get(row.commit_sha)
            authored_at = row.authored_at or (commit.authored_at if commit else None)
            if authored_at is not None:
                authored_of.setdefault(pull_request_id, []).append(authored_at)
        reviews_of: dict[str, list[Review]] = {}
        for review in self._company.reviews:
            if is_seen(review.submitted_at, self._as_of):
                reviews_of.setdefault(str(feed_id(review.pull_request_id)), []).append(review)
        changes = []
        for record in self._company.pull_requests:
            if record.merged_at is None or not is_seen(record.merged_at, self._as_of):
                continue
            moments = authored_of.get(record.pull_request_id, [])
            commits = commits_of.get(record.pull_request_id, set())
            author = self._directory.person(record.author)
            reviews = reviews_of.get(record.pull_request_id, [])
            changes.append(
                Changed(
                    record,
                    record.merged_at,
                    author,
                    is_bot_change=self._directory.is_bot(record.author),
                    commits=commits | {sha for sha in [record.merge_commit_sha] if sha},
                    reviews=[r for r in reviews if self.counts(r, author)],
                    first_commit_at=record.first_commit_at or min(moments, default=None),
                    last_commit_at=max(
                        (moment for moment in moments if is_seen(moment, self._as_of)), default=None
                    ),
                    is_revert=bool(REVERT_TITLE.match((record.title or "").strip())),
                    is_hotfix=self._is_hotfix(record),
                )
            )
        return changes

    def counts(self, review: Review, author: str | None) -> bool:
        """Whether a known person other than the author, and no bot, gave the review."""
        reviewer = self._directory.person(review.reviewer)
        if reviewer is None or self._directory.is_bot(review.reviewer):
            return False
        return reviewer != author

    def _is_hotfix(self, record: PullRequest) -> bool:
        labels = {label.casefold() for label in record.labels}
        wanted = {label.casefold() for label in self._policy.hotfix_labels}
        return bool(HOTFIX_BRANCH.match(record.head_branch or "")) or bool(labels & wanted)

    def _link_changes(self) -> None:
        without_lists = {
            service_id: deployments
            for service_id, deployments in self.of_service.items()
            if not any(deployed.lists for deployed in deployments)
        }
        for change in self.changes:
            self._link_explicitly(change)
            if change.deployment is None:
                self._link_after_merge(change, without_lists)
            self._attribute(change)
        for deployments in self.of_service.values():
            carried: set[str] = set()
            for deployed in deployments:  # in order: a commit ships once
                deployed.carries -= carried
                carried |= deployed.carries

    def _link_explicitly(self, change: Changed) -> None:
        """With the earliest that ships its merge commit; else with the earliest that ships any
        other of its commits."""
        merge = self.shipped_by.get(change.record.merge_commit_sha or "", [])
        others = [d for sha in change.commits for d in self.shipped_by.get(sha, [])]
        candidates = merge or others
        if candidates:
            self._link(change, min(candidates, key=lambda d: d.order), "explicit")

    def _link_after_merge(self, change: Changed, without_lists: dict[str, list[Deployed]]) -> None:
        """With the first of the repository's service that finishes at or after the merge. Which of
        several services it would be cannot be told."""
        services = self._directory.services_of_repository(change.record.repository)
        if len(services) != 1:
            return
        deployments = without_lists.get(services[0], [])
        place = bisect_left(deployments, change.merged_at, key=lambda d: d.finished_at)
        if place < len(deployments):
            self._link(change, deployments[place], "first_after_merge")

    def _link(self, change: Changed, deployed: Deployed, method: str) -> None:
        change.deployment, change.link_method = deployed, method
        deployed.changes.append(change)
        deployed.carries |= change.commits

    def _attribute(self, change: Changed) -> None:
        services = self._directory.services_of_repository(change.record.repository)
        if change.deployment:
            change.service_id = change.deployment.record.service_id
        elif len(services) == 1:
            change.service_id = services[0]
        team_id = self._directory.team_on(change.author, change.merged_at.date())
        change.team_id = team_id or self._directory.team_of_service(change.service_id)

    def linked_to(self, issue: Issue) -> list[Changed]:
        """The merged changes that did it."""
        found = {str(feed_id(pull_request_id)) for pull_request_id in issue.pull_request_ids}
        return [
            self._by_pull_request[name] for name in sorted(found) if name in self._by_pull_request
        ]

    # Incidents, failures, rework

    def _linked_incidents(self) -> list[Broken]:
        found = []
        for record in self._company.incidents:
            if not is_seen(record.opened_at, self._as_of):
                continue
            record = self._as_seen(record)
            broken = Broken(record, self._directory.team_of_service(record.service_id))
            named = self._by_id.get(feed_id(record.caused_by_deployment_id) or "")
            if named:
                broken.deployment, broken.link_method = named, "explicit"
                named.is_named_by_incident = True
            else:
                broken.deployment = self._latest_before(record)
                broken.link_method = "incident_window" if broken.deployment else None
            if broken.deployment:
                broken.deployment.incidents.append(record)
            found.append(broken)
        return found

    def _as_seen(self, record: Incident) -> Incident:
        """The incident without what happens to it later."""

        def seen(moment: datetime | None) -> datetime | None:
            return moment if is_seen(moment, self._as_of) else None

        return replace(
            record,
            detected_at=seen(record.detected_at),
            acknowledged_at=seen(record.acknowledged_at),
            resolved_at=seen(record.resolved_at),
        )

    def _latest_before(self, incident: Incident) -> Deployed | None:
        """The latest of its service to finish before it opened, if within the window."""
        deployments = self.of_service.get(incident.service_id or "", [])
        place = bisect_left(deployments, incident.opened_at, key=lambda d: d.finished_at)
        if place == 0:
            return None
        latest = deployments[place - 1]
        return latest if incident.opened_at - latest.finished_at <= self._window else None

    def _find_failures(self) -> None:
        for deployed in self.deployments:
            deployed.reverts = self._deployed_reverts(deployed)
            if deployed.is_named_by_incident:
                deployed.failure_link_method = "explicit"
            elif deployed.next and deployed.next.is_rollback:
                deployed.failure_link_method = "rollback"
            elif deployed.reverts:
                deployed.failure_link_method = "revert"
            elif deployed.incidents:
                deployed.failure_link_method = "incident_window"

    def _deployed_reverts(self, deployed: Deployed) -> list[Deployed]:
        """Later deployments of the service, within the window, that ship the revert of a commit
        that this one shipped and they did not."""
        reverting = {
            sha: {r for r in self.reverted_by.get(sha, []) if r not in deployed.carries}
            for sha in deployed.carries
        }
        if not any(reverting.values()):
            return []
        found = []
        for later in self.of_service[deployed.record.service_id][deployed.number + 1 :]:
            if later.finished_at - deployed.finished_at > self._window:
                break
            if any(r in later.carries for reverts in reverting.values() for r in reverts):
                found.append(later)
        return found

    def _find_rework(self) -> None:
        reverted: dict[str, list[str]] = {}
        for sha, reverts in self.reverted_by.items():
            for revert in reverts:
                reverted.setdefault(revert, []).append(sha)
        for deployed in self.deployments:
            ships_revert = any(
                sha not in deployed.carries
                for revert in deployed.carries
                for sha in reverted.get(revert, [])
            )
            if deployed.record.is_unplanned:
                deployed.rework_reason = "unplanned"
            elif deployed.record.remediates_incident_id:
                deployed.rework_reason = "remediates_incident"
            elif deployed.is_rollback:
                deployed.rework_reason = "rollback"
            elif ships_revert or self._ships_saying_so(deployed):
                deployed.rework_reason = "revert"
            elif any(change.is_hotfix for change in deployed.changes):
                deployed.rework_reason = "hotfix"

    def _ships_saying_so(self, deployed: Deployed) -> bool:
        """Whether it ships a change that calls itself a revert, and none of whose commits names
        what it reverts."""
        return any(
            change.is_revert and not change.commits & self.reverting for change in deployed.changes
        )

    # Tables

    def fct_deployments(self) -> list[Row]:
        """``dora.fct_deployments``."""
        return [_deployment_row(deployed, self._directory) for deployed in self.deployments]

    def fct_changes(self) -> list[Row]:
        """``dora.fct_changes``."""
        return [_change_row(change) for change in self.changes]

    def fct_incidents(self) -> list[Row]:
        """``dora.fct_incidents``."""
        return [_incident_row(broken, self._as_of) for broken in self.incidents]


def _deployment_row(deployed: Deployed, directory: Directory) -> Row:
    record = deployed.record
    is_failed = deployed.failure_link_method is not None
    return {
        "deployment_id": published_id(record.deployment_id),
        "service_id": record.service_id,
        "team_id": deployed.team_id,
        "repository": directory.services[record.service_id].repository,
        "environment": record.environment,
        "failure_link_method": deployed.failure_link_method,
        "rework_reason": deployed.rework_reason,
        "commit_count": len(deployed.lists),
        "change_count": sum(1 for change in deployed.changes if not change.is_bot_change),
        "bot_change_count": sum(1 for change in deployed.changes if change.is_bot_change),
        "incident_count": len(deployed.incidents),
        "recovery_seconds": deployed.recovery_seconds if is_failed else None,
        "recovery_from_detection_seconds": deployed.recovery_from_detection_seconds,
        "is_baseline": False,  # ranges of commits begin with one, and only git has ranges
        "is_rollback": deployed.is_rollback,
        "is_complete": True,  # only a shallow clone is not
        "is_failed": is_failed,
        "is_rework": deployed.rework_reason is not None,
        "finished_at": record.finished_at,
        "failed_at": deployed.failed_at,
        "recovered_at": deployed.recovered_at,
    }


def _change_row(change: Changed) -> Row:
    record, stages = change.record, change.stages
    deployment = change.deployment
    return {
        "pull_request_id": published_id(record.pull_request_id),
        "service_id": change.service_id,
        "team_id": change.team_id,
        "deployment_id": published_id(deployment.record.deployment_id) if deployment else None,
        "repository": record.repository,
        "deployment_link_method": change.link_method,
        "no_lead_time_reason": change.no_lead_time_reason,
        "coding_seconds": stages["coding"],
        "pickup_seconds": stages["pickup"],
        "review_seconds": stages["review"],
        "deploy_seconds": stages["deploy"],
        "change_lead_time_seconds": change.lead_time_seconds,
        "negative_stage_count": change.negative_stage_count,
        "is_bot_change": change.is_bot_change,
        "is_revert": change.is_revert,
        "is_hotfix": change.is_hotfix,
        "first_commit_at": change.first_commit_at,
        "created_at": record.created_at,
        "first_review_at": change.first_review_at,
        "merged_at": change.merged_at,
        "deployed_at": change.deployed_at,
    }


def _incident_row(broken: Broken, as_of: datetime) -> Row:
    record = broken.record
    deployment = broken.deployment
    from_detection = seconds_between(record.detected_at, record.resolved_at)
    return {
        "incident_id": published_id(record.incident_id),
        "service_id": record.service_id,
        "team_id": broken.team_id,
        "deployment_id": published_id(deployment.record.deployment_id) if deployment else None,
        "severity": record.severity,
        "link_method": broken.link_method,
        "recovery_seconds": seconds_between(record.opened_at, record.resolved_at),
        "recovery_from_detection_seconds": _not_negative(from_detection),
        "is_resolved": is_seen(record.resolved_at, as_of),
        "opened_at": record.opened_at,
        "detected_at": record.detected_at,
        "acknowledged_at": record.acknowledged_at,
        "resolved_at": record.resolved_at,
    }


def _goes_back(record: Deployment, earlier: Iterable[Deployed]) -> bool:
    """Whether its commit was deployed earlier and is another one than the deployment before had.
    If that one does not say its commit, nothing tells."""
    commits = [deployed.record.commit_sha for deployed in earlier]
    if record.commit_sha is None or not commits or commits[-1] is None:
        return False
    return record.commit_sha != commits[-1] and record.commit_sha in commits


def _reverted_commits(commits: list[Commit]) -> dict[str, list[str]]:
    """Commits that were reverted, with those that revert them. An abbreviated hash is that of the
    commit of the same repository which begins with it; what nobody knows stays as it is named."""
    of_repository: dict[str, list[str]] = {}
    for commit in commits:
        of_repository.setdefault(commit.repository, []).append(commit.commit_sha)
    ordered = {name: sorted(shas) for name, shas in of_repository.items()}
    found: dict[str, list[str]] = {}
    for commit in commits:
        for line in REVERTS.findall(commit.message_trailers or ""):
            for named in SHA.findall(line):
                sha = _whole_sha(named.lower(), ordered[commit.repository])
                found.setdefault(sha, []).append(commit.commit_sha)
    return found


def _whole_sha(named: str, ordered: list[str]) -> str:
    """The one commit that a hash, whole or abbreviated, names; else the hash itself."""
    place = bisect_left(ordered, named)
    matching = [sha for sha in ordered[place : place + 2] if sha.startswith(named)]
    return matching[0] if len(matching) == 1 else named


def _not_negative(seconds: int | None) -> int | None:
    return None if seconds is None or seconds < 0 else seconds
