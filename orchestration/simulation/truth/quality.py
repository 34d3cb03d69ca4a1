"""The period tables of ``quality``: who changed what, how it was reviewed, what was wrong."""

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from orchestration.simulation.records import Company, PullRequest, Review
from orchestration.simulation.truth.delivery import Changed, Delivery
from orchestration.simulation.truth.directory import (
    Directory,
    Policy,
    Row,
    Scope,
    feed_id,
    is_seen,
)
from orchestration.simulation.truth.periods import (
    Period,
    median,
    midnight,
    quantile,
    ratio,
    seconds_between,
    start_of,
)

Cell = tuple[str, str, date]  # scope type, scope id, first day of the period

CI_PASSED = ("success", "succeeded", "passed")
CI_FAILED = ("failure", "failed", "error", "timed_out", "startup_failure")
# Known only from git, which no simulated company has.
LINE_HISTORY = (
    "mainline_added_line_count", "mainline_removed_line_count", "reworked_line_count",
    "rework_share", "churned_line_count", "churn_share",
)  # fmt: skip


@dataclass(frozen=True)
class Reviewed:
    """What the reviews of a merged change that counted before its merge come to."""

    is_reviewed: bool
    is_rubber_stamped: bool
    round_count: int
    comment_count: int
    seconds_to_first_review: int | None
    review_seconds: int | None


@dataclass(frozen=True)
class Open:
    """A pull request of a person: from when to when it was open, and whose it is."""

    created_at: datetime
    ended_at: datetime | None
    team_id: str
    service_id: str | None


@dataclass
class Counts:
    """What a scope's period counts."""

    merges: list[Changed] = field(default_factory=list)
    bot_merges: int = 0
    contributors: set[str] = field(default_factory=set)
    bugs: int = 0
    escaped: int = 0
    reopened: int = 0
    incidents: int = 0
    deployments: int = 0
    stalled: int = 0
    ci_runs: int = 0
    ci_failed: int = 0
    ci_reruns: int = 0
    ci_other: int = 0


class Quality:
    """Everything that the three tables count, found once."""

    def __init__(
        self, company: Company, directory: Directory, delivery: Delivery, policy: Policy
    ) -> None:
        self._company, self._directory = company, directory
        self._delivery, self._policy = delivery, policy
        self._reviewed = {change: self._judge(change) for change in delivery.changes}
        self._reverts = {change for change in delivery.changes if self._is_revert(change)}
        self.fixed = fixed_changes(company, delivery, policy)
        self._changes = {c.record.pull_request_id: c for c in delivery.changes}
        self._open = self._opened()
        self._reviewing = self._reviews_of_others()

    def contributors(self, kind: str) -> dict[Cell, set[str]]:
        """Who contributed to each scope in each period."""
        cells: dict[Cell, Counts] = {}
        self._count_contributors(cells, kind)
        return {cell: counts.contributors for cell, counts in cells.items()}

    def period_table(self, kind: str, periods: list[Period]) -> list[Row]:
        """``quality.quality_<kind>``."""
        cells = self._counted(kind)
        self._count_stalled(cells, periods)
        return [
            self._row(scope, period, cells)
            for scope in self._directory.scopes()
            for period in periods
        ]

    # What happened to a change

    def _reviews_of_others(self) -> list[tuple[str, datetime, str, str | None]]:
        """Who reviewed somebody else's pull request, when, and the team and service it counts
        for: the reviewer's of the day, else the pull request's."""
        records = {record.pull_request_id: record for record in self._company.pull_requests}
        found = []
        for review in self._company.reviews:
            record = records.get(feed_id(review.pull_request_id) or "")
            if record is None or self._directory.is_bot(record.author):
                continue
            at, author = review.submitted_at, self._directory.person(record.author)
            reviewer = self._directory.person(review.reviewer)
            if reviewer is None or not is_seen(at, self._directory.as_of):
                continue
            if self._delivery.counts(review, author):
                team_id, service_id = self._belongs_to(record)
                team_id = self._directory.team_on(reviewer, at.date()) or team_id
                found.append((reviewer, at, team_id, service_id))
        return found

    def _judge(self, change: Changed) -> Reviewed:
        reviews = [r for r in change.reviews if r.submitted_at <= change.merged_at]
        reviews.sort(key=lambda r: r.submitted_at)
        comments = sum(_comments(review) for review in reviews)
        first = reviews[0].submitted_at if reviews else None
        to_first = seconds_between(change.ready_at, first)
        return Reviewed(
            is_reviewed=bool(reviews),
            is_rubber_stamped=comments == 0 and self._is_quick(change, reviews),
            round_count=sum(
                1
                for review in reviews
                if review.state == "changes_requested"
                and review.submitted_at < reviews[-1].submitted_at
            ),
            comment_count=comments,
            seconds_to_first_review=None if to_first is None or to_first < 0 else to_first,
            review_seconds=seconds_between(first, change.merged_at),
        )

    def _is_quick(self, change: Changed, reviews: list[Review]) -> bool:
        """Whether its first approval came sooner after it was ready than its size allows."""
        approvals = [r.submitted_at for r in reviews if r.state == "approved"]
        lines = _lines(change.record)
        if not approvals or lines is None or approvals[0] < change.ready_at:
            return False
        allowed = self._policy.rubber_stamp_minutes_per_100_lines * 60 * lines
        return (approvals[0] - change.ready_at) * 100 < timedelta(seconds=allowed)

    def _is_revert(self, change: Changed) -> bool:
        """Whether its title says so, or its merge commit reverts one of the same repository."""
        reverting = self._delivery.reverting
        return change.is_revert or change.record.merge_commit_sha in reverting

    def _opened(self) -> list[Open]:
        found = []
        for record in self._company.pull_requests:
            is_bot = self._directory.is_bot(record.author)
            if is_bot or not is_seen(record.created_at, self._directory.as_of):
                continue
            ended_at = record.merged_at or record.closed_at
            team_id, service_id = self._belongs_to(record)
            found.append(Open(record.created_at, ended_at, team_id, service_id))
        return found

    def _belongs_to(self, record: PullRequest) -> tuple[str, str | None]:
        """A merged one's team and service are those of the change; any other's, its author's on
        the day it was opened, and its repository's."""
        change = self._changes.get(record.pull_request_id)
        if change:
            return change.team_id, change.service_id
        team_of_service, service_id = self._directory.team_and_service(record.repository)
        author = self._directory.person(record.author)
        team_id = self._directory.team_on(author, record.created_at.date())
        return team_id or team_of_service, service_id

    # What a period counts

    def _counted(self, kind: str) -> dict[Cell, Counts]:
        cells: dict[Cell, Counts] = {}
        for change in self._delivery.changes:
            for counts in self._cells(
                cells, kind, change.merged_at, change.team_id, change.service_id
            ):
                if change.is_bot_change:
                    counts.bot_merges += 1
                else:
                    counts.merges.append(change)
        self._count_contributors(cells, kind)
        self._count_defects(cells, kind)
        self._count_ci(cells, kind)
        for broken in self._delivery.incidents:
            record = broken.record
            for counts in self._cells(
                cells, kind, record.opened_at, broken.team_id, record.service_id
            ):
                counts.incidents += 1
        for deployed in self._delivery.deployments:
            service_id = deployed.record.service_id
            for counts in self._cells(
                cells, kind, deployed.finished_at, deployed.team_id, service_id
            ):
                counts.deployments += 1
        return cells

    def _cells(
        self,
        cells: dict[Cell, Counts],
        kind: str,
        moment: datetime,
        team_id: str,
        service_id: str | None,
    ) -> list[Counts]:
        """What counts something that happened at a moment to a team and a service."""
        start = start_of(kind, moment.date(), self._policy.fiscal_year_start_month)
        scopes = self._directory.scopes_of(team_id, service_id)
        return [cells.setdefault((*scope, start), Counts()) for scope in scopes]

    def _count_contributors(self, cells: dict[Cell, Counts], kind: str) -> None:
        """Who merged a change of their own or reviewed somebody else's; each in their own team of
        the day, else in the change's."""
        for change in self._delivery.changes:
            if change.author is not None and not change.is_bot_change:
                team_id = self._directory.team_on(change.author, change.merged_at.date())
                where = team_id or change.team_id, change.service_id
                for counts in self._cells(cells, kind, change.merged_at, *where):
                    counts.contributors.add(change.author)
        for reviewer, at, team_id, service_id in self._reviewing:
            for counts in self._cells(cells, kind, at, team_id, service_id):
                counts.contributors.add(reviewer)

    def _count_defects(self, cells: dict[Cell, Counts], kind: str) -> None:
        for issue in self._company.issues:
            if not is_seen(issue.created_at, self._directory.as_of):
                continue
            team_id = self._directory.team_of_issue(issue)
            for counts in self._cells(cells, kind, issue.created_at, team_id, issue.service_id):
                counts.bugs += issue.issue_type.casefold() == "bug"
                counts.escaped += issue.is_escaped_defect is True
                counts.reopened += (issue.reopened_count or 0) > 0

    def _count_ci(self, cells: dict[Cell, Counts], kind: str) -> None:
        """Runs that are over, where their repository's only service is."""
        for run in self._company.ci_runs:
            if not is_seen(run.finished_at or run.started_at, self._directory.as_of):
                continue
            where = self._directory.team_and_service(run.repository)
            conclusion = run.conclusion.casefold()
            has_failed = conclusion in CI_FAILED
            is_counted = has_failed or conclusion in CI_PASSED
            for counts in self._cells(cells, kind, run.started_at, *where):
                counts.ci_runs += is_counted
                counts.ci_failed += has_failed
                counts.ci_reruns += is_counted and (run.attempt or 1) > 1
                counts.ci_other += not is_counted

    def _count_stalled(self, cells: dict[Cell, Counts], periods: list[Period]) -> None:
        """Those open for more than the policy's days at the period's end, or at ``as_of``."""
        limit = timedelta(days=self._policy.stalled_pull_request_days)
        ends = [min(midnight(period.end), self._directory.as_of) for period in periods]
        for pull_request in self._open:
            # The first end at which it had been open for long enough, and the ones after it.
            first = bisect_left(ends, pull_request.created_at + limit)
            for period, end in list(zip(periods, ends, strict=True))[first:]:
                if pull_request.ended_at is not None and pull_request.ended_at < end:
                    break
                if end - pull_request.created_at > limit:
                    scopes = self._directory.scopes_of(
                        pull_request.team_id, pull_request.service_id
                    )
                    for scope in scopes:
                        cells.setdefault((*scope, period.start), Counts()).stalled += 1

    # Rows

    def _row(self, scope: Scope, period: Period, cells: dict[Cell, Counts]) -> Row:
        counts = cells.get((scope.scope_type, scope.scope_id, period.start), Counts())
        merges, contributors = len(counts.merges), len(counts.contributors)
        return {
            "scope_type": scope.scope_type,
            "scope_id": scope.scope_id,
            "period_start": period.start,
            "scope_name": scope.scope_name,
            "merged_pull_request_count": merges,
            "bot_merged_pull_request_count": counts.bot_merges,
            "active_contributor_count": contributors,
            "merged_pull_requests_per_active_contributor": ratio(merges, contributors),
            **self._sizes(counts.merges),
            "stalled_open_pull_request_count": counts.stalled,
            **self._reviews(counts.merges),
            **self._reverts_and_tests(counts.merges),
            **_ci(counts),
            **dict.fromkeys(LINE_HISTORY),
            "opened_bug_count": counts.bugs,
            "opened_bugs_per_merged_pull_request": ratio(counts.bugs, merges),
            "opened_bugs_per_active_contributor": ratio(counts.bugs, contributors),
            "escaped_defect_count": counts.escaped,
            "reopened_issue_count": counts.reopened,
            "incident_count": counts.incidents,
            "deployment_count": counts.deployments,
            "incidents_per_100_deployments": ratio(counts.incidents * 100, counts.deployments),
            "is_small_sample": merges < self._policy.small_sample_size,
            "is_partial_period": period.is_partial(self._directory.as_of),
            "period_end": period.end,
        }

    def _sizes(self, merges: list[Changed]) -> Row:
        sized = [change.record for change in merges if _lines(change.record) is not None]
        lines = [_lines(record) or 0 for record in sized]
        large = sum(1 for count in lines if count > self._policy.large_pull_request_lines)
        added = sum(change.record.additions or 0 for change in merges)
        deleted = sum(change.record.deletions or 0 for change in merges)
        return {
            "sized_pull_request_count": len(sized),
            "median_pull_request_line_count": median(lines),
            "large_pull_request_count": large,
            "large_pull_request_share": ratio(large, len(sized)),
            "added_line_count": added,
            "deleted_line_count": deleted,
            "deleted_lines_per_added_line": ratio(deleted, added),
        }

    def _reviews(self, merges: list[Changed]) -> Row:
        # Feeds without a single review do not know reviews.
        merges = merges if self._company.reviews else []
        judged = [self._reviewed[change] for change in merges]
        reviewed = [review for review in judged if review.is_reviewed]
        stamped = sum(1 for review in judged if review.is_rubber_stamped)
        to_first = _hours([review.seconds_to_first_review for review in reviewed])
        rounds = sum(review.round_count for review in reviewed)
        sized = [change for change in merges if _lines(change.record) is not None]
        comments = sum(self._reviewed[change].comment_count for change in sized)
        lines = sum(_lines(change.record) or 0 for change in sized)
        return {
            "reviewable_merge_count": len(merges),
            "reviewed_merge_count": len(reviewed),
            "unreviewed_merge_count": len(merges) - len(reviewed),
            "unreviewed_merge_share": ratio(len(merges) - len(reviewed), len(merges)),
            "rubber_stamped_merge_count": stamped,
            "rubber_stamped_merge_share": ratio(stamped, len(merges)),
            "median_hours_to_first_review": median(to_first),
            "p90_hours_to_first_review": quantile(to_first, 0.9),
            "median_review_hours": median(_hours([review.review_seconds for review in reviewed])),
            "review_round_count": rounds,
            "review_rounds_per_reviewed_merge": ratio(rounds, len(reviewed)),
            "review_comment_count": comments,
            "reviewable_line_count": lines,
            "review_comments_per_100_lines": ratio(comments * 100, lines),
        }

    def _reverts_and_tests(self, merges: list[Changed]) -> Row:
        reverts = sum(1 for change in merges if change in self._reverts)
        fixed = sum(1 for change in merges if change in self.fixed)
        eligible = [change.record for change in merges if _has_production_code(change.record)]
        tested = sum(1 for record in eligible if record.test_files_changed)
        return {
            "revert_count": reverts,
            "reverts_per_100_merges": ratio(reverts * 100, len(merges)),
            "fixed_change_count": fixed,
            "fixed_change_share": ratio(fixed, len(merges)),
            "test_eligible_merge_count": len(eligible),
            "tests_touched_merge_count": tested,
            "tests_touched_share": ratio(tested, len(eligible)),
        }


def fixed_changes(company: Company, delivery: Delivery, policy: Policy) -> set[Changed]:
    """People's changes that a later one had to fix within the window."""
    window = timedelta(days=policy.rework_window_days)

    def fixes(change: Changed, other: Changed) -> bool:
        return timedelta(0) < other.merged_at - change.merged_at <= window

    holding: dict[tuple[str, str], list[Changed]] = {}
    for change in delivery.changes:
        for sha in change.commits:
            holding.setdefault((change.record.repository, sha), []).append(change)
    found: set[Changed] = set()
    for change in delivery.changes:
        reverting = [
            other
            for sha in change.commits
            for revert in delivery.reverted_by.get(sha, [])
            for other in holding.get((change.record.repository, revert), [])
        ]
        if any(fixes(change, other) for other in reverting):
            found.add(change)
    for issue in company.issues:
        is_epic = issue.issue_type.casefold() == "epic"
        if is_epic or not issue.reopened_count or not is_seen(issue.created_at, company.as_of):
            continue
        linked = delivery.linked_to(issue)
        for change in linked:
            if any(fixes(change, other) for other in linked):
                found.add(change)
    return {change for change in found if not change.is_bot_change}


def _ci(counts: Counts) -> Row:
    return {
        "ci_run_count": counts.ci_runs,
        "ci_failed_run_count": counts.ci_failed,
        "ci_failure_rate": ratio(counts.ci_failed, counts.ci_runs),
        "ci_rerun_count": counts.ci_reruns,
        "ci_rerun_share": ratio(counts.ci_reruns, counts.ci_runs),
        "ci_other_run_count": counts.ci_other,
    }


def _lines(record: PullRequest) -> int | None:
    """Lines added and deleted; None if either is unknown."""
    if record.additions is None or record.deletions is None:
        return None
    return record.additions + record.deletions


def _comments(review: Review) -> int:
    """Its comments; a row that is a comment and has no count is one."""
    if review.comment_count is not None:
        return review.comment_count
    return 1 if review.state == "commented" else 0


def _has_production_code(record: PullRequest) -> bool:
    """Whether it changes files that are no tests; False where their number is unknown."""
    if record.changed_files is None or record.test_files_changed is None:
        return False
    return record.changed_files > record.test_files_changed


def _hours(seconds: list[int | None]) -> list[float]:
    return [value / 3600 for value in seconds if value is not None]
