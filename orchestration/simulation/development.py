"""How changes come about: issues, pull requests with their commits, reviews and CI runs.

Teams plan and develop month by month. Durations are lognormal and pass in the team's working time.
Every change has a random stream of its own, so that a lever changes what it names and nothing
else.
"""

import hashlib
import random
from bisect import bisect
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from math import exp

from orchestration.simulation.organization import Organization, WorkingTime
from orchestration.simulation.records import (
    CiRun,
    Commit,
    Incident,
    Issue,
    PullRequest,
    PullRequestCommit,
    Review,
    Service,
)

# Of the changes per person and month, the part that is planned; bugs and rework bring the others.
PLANNED = 0.93
WORK_DAYS_A_MONTH = 21
PACE_SPREAD = 0.6  # between people; standard deviation of the log

# Medians in hours of work; spreads are standard deviations of the log.
CODING_HOURS, PICKUP_HOURS, NEXT_LOOK_HOURS, MERGE_HOURS = 8.0, 3.0, 2.0, 0.7
ANSWER_HOURS, NEGLECT_HOURS = 2.0, 40.0
LINES, LINES_SPREAD = 60, 1.25

UNREVIEWED, RUBBER_STAMPED, DRAFT, ABANDONED, LEFT_OPEN = 0.05, 0.06, 0.25, 0.04, 0.01
WITHOUT_COMMITS, WITHOUT_FIRST_COMMIT, WITHOUT_SIZE = 0.01, 0.12, 0.01
ROUNDS = (0.7, 0.93)  # changes without a request for changes, with at most one; else two
WITH_AI = 0.8  # share of the changes of people who use it; of those, so many say so:
DECLARES_AI, TRAILER, AGENT_BRANCH = 0.5, 0.55, 0.05
CHATTER = 0.25  # share of merges with another word in the reviews: a reply, a second reader
CI_FAILS, CI_FAILS_AGAIN = 0.14, 0.25

# Chance of a change before the team's factors, and that the bug is not found before the release.
BRINGS_BUG, BUG_ESCAPES = 0.13, 0.45

WORK = {  # kind of work: weight, and how titles of it begin
    "feature": (45, "Add"), "maintenance": (20, "Upgrade"), "design": (8, "Draft"),
    "research": (7, "Try"), "docs": (10, "Document"), "test": (10, "Test"),
}  # fmt: skip
WORK_TYPES = tuple(WORK)
WORK_WEIGHTS = tuple(accumulate(weight for weight, _ in WORK.values()))
HARD_WORK = ("design", "research", "maintenance")
THINGS = (
    "retries", "the order page", "rate limits", "the export", "currency rounding", "search filters",
    "the audit log", "sign-in", "pagination", "the cache", "health checks", "the invoice layout",
    "webhooks", "alerts", "the import", "permissions", "feature flags", "time zones",
)  # fmt: skip
AI_TOOLS = ("claude_code", "copilot", "cursor")
CLAUDE_TRAILER = "Co-Authored-By: Claude <noreply@anthropic.com>"
DEPENDABOT, CI_BOT = "dependabot[bot]", "github-actions[bot]"
BOT_CHANGES = 0.8  # a repository and month

Draw = random.Random


@dataclass(slots=True)
class Setting:
    """A team's month: what it is like to work there."""

    team_id: str
    month: date
    factors: dict[str, float]
    ai_users: list[str]
    has_adopted: bool
    time: WorkingTime


@dataclass(slots=True)
class Change:
    """A pull request, and what will come of it: numbers to compare with a chance each. ``manner``:
    whether a bug is found late, and whether what is redone is reverted."""

    pull_request: PullRequest
    key: str
    service: Service
    factors: dict[str, float]
    shipped_as: list[str]  # the commits that a deployment lists for it
    breaks: float = 1.0
    brings_bug: float = 1.0
    is_redone: float = 1.0
    manner: float = 1.0
    issue: Issue | None = None
    mends: Incident | None = None


@dataclass(slots=True)
class Course:
    """When what happened to a change; reviews are (moment, reviewer, state, comments)."""

    commits: list[datetime]
    created: datetime
    ready: datetime | None = None
    merged: datetime | None = None
    closed: datetime | None = None
    reviews: list[tuple[datetime, str | None, str, int | None]] = field(default_factory=list)


@dataclass(slots=True)
class Content:
    """What a change is about. ``trailers``: what its commit messages end with."""

    title: str
    branch: str
    work_type: str | None
    additions: int
    deletions: int
    labels: tuple[str, ...] = ()
    ai_tools: tuple[str, ...] = ()
    trailers: str | None = None


def lognormal(draw: Draw, median: float, spread: float = 1.0) -> float:
    """A draw; ``spread`` is the standard deviation of the log."""
    return median * exp(draw.gauss(0, spread))


def _count(luck: float, mean: float) -> int:
    """The Poisson count at that quantile: with the same luck, a larger mean never gives less."""
    count, chance = 0, exp(-mean)
    total = chance
    while luck > total and count < 10 * mean + 10:
        count += 1
        chance *= mean / count
        total += chance
    return count


def hours(hours: float) -> timedelta:
    """In whole seconds."""
    return timedelta(0, int(hours * 3600))


class Development:
    """Changes as teams make them, from the first commit to the merge."""

    def __init__(self, organization: Organization) -> None:
        self.organization = organization
        self.company = organization.company
        self.changes: list[Change] = []
        self.setting = lru_cache(maxsize=None)(self._setting)
        self._pace: dict[str, float] = {}
        self._services = {s.service_id: s for s in self.company.services}
        self._epics: dict[tuple[str, date], Issue] = {}
        self._merge_styles: dict[str, str] = {}

    def _setting(self, team_id: str, month: date) -> Setting | None:
        """None where the team or the company's history has no such month."""
        planted = self.company.planted
        factors = planted.factors.get((team_id, month))
        if factors is None:
            return None
        adopted_in = planted.adopted_in.get(team_id)
        return Setting(
            team_id, month, factors, self.organization.ai_users(team_id, month),
            adopted_in is not None and adopted_in <= month, self.organization.working_time(team_id),
        )  # fmt: skip

    def plan(self, team_id: str, month: date) -> None:
        """A team's month of planned changes, each with its issue."""
        organization = self.organization
        setting = self.setting(team_id, month)
        if setting is None:
            return
        number = organization.month_number(month)
        after = [*organization.months, self.company.as_of.date()][number + 1]
        first, last = setting.time.first_position(month), setting.time.first_position(after)
        mean = (
            PLANNED * organization.world.changes_per_person_month * setting.factors["throughput"]
            * (last - first) / 8 / WORK_DAYS_A_MONTH
        )  # fmt: skip
        for person in organization.people_of(team_id, month):
            luck = organization.random("month", person, month).random()
            begun: list[tuple[float, str, Draw]] = []
            for number in range(_count(luck, mean * self._pace_of(person))):
                key = f"{person}|{month}|{number}"
                draw = organization.random("change", key)
                begun.append((first + draw.random() * (last - first), key, draw))
            issue: Issue | None = None
            for begin, key, draw in sorted(begun, key=lambda change: change[:2]):
                day = setting.time.moment(begin).date()
                if person in organization.people_of(team_id, day):
                    service = self._service(draw, team_id, month)
                    issue = self._planned(draw, key, setting, person, service, begin, issue)

    def _pace_of(self, person: str) -> float:
        if person not in self._pace:
            draw = self.organization.random("pace", person)
            self._pace[person] = exp(draw.gauss(-(PACE_SPREAD**2) / 2, PACE_SPREAD))
        return self._pace[person]

    def _service(self, draw: Draw, team_id: str, month: date) -> Service:
        """Mostly the team's first service, sometimes its others, seldom another team's."""
        luck, place = draw.random(), draw.random()
        if luck < 0.04:
            teams = self.organization.teams_on(month)
            team_id = teams[int(place * len(teams))]
        services = self.organization.services_of(team_id, month)
        return self._services[services[int(place**2 * len(services))]]

    def _planned(
        self, draw: Draw, key: str, setting: Setting, person: str,
        service: Service, begin: float, issue: Issue | None,
    ) -> Issue | None:  # fmt: skip
        """One planned change (or, now and then, work without one); its issue."""
        work_type = draw.choices(WORK_TYPES, cum_weights=WORK_WEIGHTS)[0]
        shares, has_issue, has_change = draw.random(), draw.random(), draw.random()
        size = 1.0
        drifts = draw.random() < self.organization.world.easy_work_drift
        if setting.has_adopted and drifts and work_type in HARD_WORK:
            work_type, size = "feature", 0.5
        if issue is None or shares > 0.15:
            issue = self._story(draw, key, setting, service, work_type, begin)
        if work_type in ("design", "research") and has_change < 0.4:
            issue.resolved_at = setting.time.moment(begin + lognormal(draw, CODING_HOURS))
            return issue
        title = f"{WORK[work_type][1]} {draw.choice(THINGS)}"
        change = self.develop(draw, key, setting, person, service, begin, work_type, title, size)
        if has_issue < 0.9:
            self.link(change, issue)
        self._bug_before_release(change, setting)
        self.changes.append(change)
        return issue

    def _story(
        self, draw: Draw, key: str, setting: Setting, service: Service,
        work_type: str, begin: float,
    ) -> Issue:  # fmt: skip
        waited = lognormal(draw, 40.0)
        issue = Issue(
            self.new_id("issue", key),
            "story" if work_type == "feature" else "task",
            setting.time.moment(max(begin - waited, 0.0)),
            setting.team_id,
            service.service_id if draw.random() < 0.6 else None,
            started_at=setting.time.moment(begin),
            work_type=work_type if draw.random() < 0.95 else None,
        )
        if draw.random() < 0.6:
            issue.parent_issue_id = self._epic(setting).issue_id
        self.company.issues.append(issue)
        return issue

    def _epic(self, setting: Setting) -> Issue:
        """The team's epic of the quarter; three in four are done some time after it."""
        quarter = setting.month.replace(month=(setting.month.month - 1) // 3 * 3 + 1)
        start = max(quarter, self.organization.months[0])
        if (setting.team_id, quarter) not in self._epics:
            draw = self.organization.random("epic", setting.team_id, quarter)
            position = setting.time.first_position(start)
            created = setting.time.moment(position + draw.random() * 8)
            epic = Issue(
                self.new_id("epic", f"{setting.team_id}|{quarter}"),
                "epic",
                created,
                setting.team_id,
            )
            epic.started_at = created
            if draw.random() < 0.75:
                epic.resolved_at = setting.time.moment(position + lognormal(draw, 560.0, 0.3))
            self._epics[setting.team_id, quarter] = epic
            self.company.issues.append(epic)
        return self._epics[setting.team_id, quarter]

    def link(self, change: Change, issue: Issue) -> None:
        """Say that the change does the issue, which is done when its last change is merged."""
        change.issue = issue
        issue.pull_request_ids += (change.pull_request.pull_request_id,)
        merged = change.pull_request.merged_at
        if merged and (issue.resolved_at is None or merged > issue.resolved_at):
            issue.resolved_at = merged + timedelta(minutes=7)
            issue.started_at = issue.started_at or change.pull_request.created_at

    def _bug_before_release(self, change: Change, setting: Setting) -> None:
        """Some bugs are found while the change is tested, and mended with it."""
        pull_request = change.pull_request
        brings_bug = change.brings_bug < BRINGS_BUG * change.factors["defects"]
        if not brings_bug or change.manner < BUG_ESCAPES or pull_request.merged_at is None:
            return
        draw = self.organization.random("early bug", change.key)
        wait = (pull_request.merged_at - pull_request.created_at) * draw.random()
        found = pull_request.created_at + timedelta(seconds=int(wait.total_seconds()))
        issue = Issue(
            self.new_id("bug", change.key), "bug", found, setting.team_id,
            change.service.service_id, found, is_escaped_defect=False, work_type="bug",
        )  # fmt: skip
        if draw.random() < 0.9:
            issue.resolved_at = pull_request.merged_at
            issue.pull_request_ids = (pull_request.pull_request_id,)
        self.company.issues.append(issue)

    def develop(
        self, draw: Draw, key: str, setting: Setting, author: str, service: Service,
        begin: float, work_type: str, title: str, size: float = 1.0,
    ) -> Change:  # fmt: skip
        """A change in working time, begun at a position of it, through coding and review."""
        lines = round(lognormal(draw, LINES, LINES_SPREAD) * setting.factors["size"] * size) + 1
        deletions = round(lines * draw.random() ** 2)
        fates = [draw.random() for _ in range(4)]
        luck, declares, trailer, agent = [draw.random() for _ in range(4)]
        course = self._course(draw, setting, author, begin, lines)
        slug = title.lower().replace(" ", "-")
        prefix = "fix" if work_type == "bug" else "feature"
        content = Content(
            title, f"{prefix}/{slug}", work_type, lines - deletions, deletions,
            ("bug",) if work_type == "bug" else (),
        )  # fmt: skip
        if luck < WITH_AI and author in setting.ai_users:
            if declares < DECLARES_AI:
                content.ai_tools = (AI_TOOLS[int(declares / DECLARES_AI * len(AI_TOOLS))],)
            if trailer < TRAILER:
                content.trailers = CLAUDE_TRAILER
            if agent < AGENT_BRANCH:
                content.branch = f"claude/{slug}"
        change = self._record(draw, key, setting.factors, author, service, course, content)
        change.breaks, change.brings_bug, change.is_redone, change.manner = fates
        return change

    def mend(
        self, draw: Draw, key: str, setting: Setting, author: str, service: Service,
        begin: datetime, merged: datetime, content: Content,
    ) -> Change:  # fmt: skip
        """An urgent change (a hotfix or a revert), whatever the hour; it breaks nothing itself."""
        whole = (merged - begin).total_seconds()
        moments = [begin + timedelta(seconds=int(whole * part)) for part in (0.5, 0.85)]
        course = Course([begin], moments[0], None, merged, merged)
        if draw.random() < 0.7:
            reviewer = self._reviewer(draw, setting.team_id, begin.date(), author)
            course.reviews.append((moments[1], reviewer, "approved", int(draw.random() * 2)))
        return self._record(draw, key, setting.factors, author, service, course, content)

    def _course(
        self, draw: Draw, setting: Setting, author: str, begin: float, lines: int
    ) -> Course:
        """From the first commit to the end. What levers act on is drawn first, and always."""
        slower, moment, luck = setting.factors["review_time"], setting.time.moment, draw.random
        coding = lognormal(draw, CODING_HOURS) * setting.factors["coding_time"]
        pickup = lognormal(draw, PICKUP_HOURS) * slower
        waits = lognormal(draw, MERGE_HOURS) * slower
        rounds = bisect(ROUNDS, luck())
        looks = [lognormal(draw, NEXT_LOOK_HOURS, 0.8) * slower for _ in range(rounds)]
        answers = [lognormal(draw, ANSWER_HOURS, 0.8) for _ in range(rounds)]
        is_draft, fate, stamp, care = luck(), luck(), luck(), luck()
        commits = sorted([luck() for _ in range(_count(luck(), 0.9))])[:4]
        stamped = RUBBER_STAMPED
        if setting.has_adopted:
            stamped += self.organization.world.speed_over_substance

        ready = begin + coding
        course = Course(
            [moment(begin), *(moment(begin + part * coding) for part in commits)],
            moment(begin + coding / 2 if is_draft < DRAFT else ready),
            moment(ready) if is_draft < DRAFT else None,
        )
        reviewer = self._reviewer(draw, setting.team_id, course.created.date(), author)
        if fate < ABANDONED + LEFT_OPEN:
            if fate < ABANDONED:
                course.closed = moment(ready + lognormal(draw, NEGLECT_HOURS))
            if luck() < 0.5:
                course.reviews.append((moment(ready + pickup), reviewer, "commented", None))
        elif care < UNREVIEWED:
            course.merged = moment(ready + waits)
        elif stamp < stamped:
            # Ten minutes for a hundred lines would be six seconds a line (METRICS.md).
            glance = timedelta(seconds=int(lines * 6 * (0.1 + 0.8 * luck())))
            course.reviews.append((moment(ready) + glance, reviewer, "approved", 0))
            course.merged = moment(ready) + glance + timedelta(minutes=2)
        else:
            looked = ready + pickup
            for look, answer in zip(looks, answers, strict=True):
                comments = 1 + self._comments(draw, lines)
                course.reviews.append((moment(looked), reviewer, "changes_requested", comments))
                course.commits.append(moment(looked + answer))
                looked += answer + look
            comments = self._comments(draw, lines)
            course.reviews.append((moment(looked), reviewer, "approved", comments))
            course.merged = moment(looked + waits)
        course.closed = course.merged or course.closed
        self._chatter(draw, setting, course, author)
        return course

    @staticmethod
    def _comments(draw: Draw, lines: int) -> int:
        return _count(draw.random(), 0.3 + min(lines, 600) / 150)

    def _chatter(self, draw: Draw, setting: Setting, course: Course, author: str) -> None:
        """What else stands among the reviews: second readers, replies, bots, afterthoughts."""
        if draw.random() < 0.08:
            course.reviews.append((course.created + timedelta(minutes=4), CI_BOT, "commented", 1))
        luck, part = draw.random(), draw.random()
        if course.merged is None or luck >= CHATTER:
            return
        start = course.ready or course.created
        moment = start + timedelta(0, int((course.merged - start).total_seconds() * part))
        reader = self._reviewer(draw, setting.team_id, course.created.date(), author)
        kind = luck / CHATTER
        if kind < 0.48:
            course.reviews.append((moment, reader, "commented", None))
        elif kind < 0.8:
            course.reviews.append((moment, author, "commented", 1))
        elif kind < 0.92:
            course.reviews.append((course.merged + hours(3), reader, "commented", 1))
        elif kind < 0.96:
            course.reviews.append((moment, None, "commented", 1))
        else:
            course.reviews.append((moment, reader, "dismissed", 0))

    def _reviewer(self, draw: Draw, team_id: str, day: date, author: str) -> str | None:
        """Somebody else of the team, else the head of the department."""
        people = [p for p in self.organization.people_of(team_id, day) if p != author]
        if not people:
            department = self.organization.histories[team_id].department_id
            people = self.organization.people_of(department, day)
        place = draw.random()
        return people[int(place * len(people))] if people else None

    def somebody(self, draw: Draw, team_id: str, day: date, rather: str | None) -> str | None:
        """Who of the team takes something on: that person, if still there."""
        people = self.organization.people_of(team_id, day)
        place = draw.random()
        if rather in people:
            return rather
        return people[int(place * len(people))] if people else None

    def new_id(self, kind: str, key: str) -> str:
        """An id that depends on nothing but what it is for."""
        text = f"{self.organization.seed}|{kind}|{key}"
        return f"{kind}-{hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:12]}"

    def _shas(self, pull_request_id: str, count: int) -> list[str]:
        """Hashes of commits of a change, 40 digits each."""
        text = f"{self.organization.seed}|{pull_request_id}"
        digits = hashlib.shake_128(text.encode()).hexdigest(20 * count)
        return [digits[place : place + 40] for place in range(0, 40 * count, 40)]

    def merge_style(self, repository: str) -> str:
        """Squash, merge or rebase."""
        if repository not in self._merge_styles:
            draw = self.organization.random("merge style", repository)
            style = draw.choices(("squash", "merge", "rebase"), (7, 2, 1))[0]
            self._merge_styles[repository] = style
        return self._merge_styles[repository]

    def _record(
        self, draw: Draw, key: str, factors: dict[str, float], author: str,
        service: Service, course: Course, content: Content,
    ) -> Change:  # fmt: skip
        """Write down a change: its pull request, commits, reviews and CI runs."""
        company, repository = self.company, str(service.repository)
        pull_request = PullRequest(
            self.new_id("pr", key), repository, course.created, author, content.title,
            ready_at=course.ready, merged_at=course.merged, closed_at=course.closed,
            additions=content.additions, deletions=content.deletions,
            labels=content.labels, head_branch=content.branch,
            work_type=content.work_type, ai_tools=content.ai_tools,
        )  # fmt: skip
        company.pull_requests.append(pull_request)
        knows_commits = draw.random() >= WITHOUT_COMMITS
        if knows_commits and draw.random() >= WITHOUT_FIRST_COMMIT:
            pull_request.first_commit_at = course.commits[0]
        self._sort_files(draw, pull_request)
        shas = self._commit(pull_request, course, content) if knows_commits else []
        self._run_ci(draw, pull_request, course, shas)
        for number, (moment, reviewer, state, comments) in enumerate(course.reviews):
            review_id = f"{pull_request.pull_request_id}-review-{number + 1}"
            company.reviews.append(
                Review(review_id, pull_request.pull_request_id, moment, reviewer, state, comments)
            )
        change = Change(pull_request, key, service, factors, shas)
        if course.merged:
            self._merge(draw, change, course.merged, content)
        return change

    @staticmethod
    def _sort_files(draw: Draw, pull_request: PullRequest) -> None:
        """How many files, and how many of them are tests."""
        lines = (pull_request.additions or 0) + (pull_request.deletions or 0)
        files = 1 + _count(draw.random(), lines**0.5 / 4)
        luck = draw.random()
        if luck < WITHOUT_SIZE:
            pull_request.additions = pull_request.deletions = None
            return
        pull_request.changed_files = files
        if luck > 3 * WITHOUT_SIZE:
            only_tests = pull_request.work_type == "test" and luck < 0.5
            touches = luck < 0.6 and pull_request.work_type != "docs" and files > 1
            pull_request.test_files_changed = files if only_tests else (files + 1) // 3 * touches

    def _commit(self, pull_request: PullRequest, course: Course, content: Content) -> list[str]:
        """The commits of the branch."""
        pull_request_id, repository = pull_request.pull_request_id, pull_request.repository
        author = self.organization.commit_author(str(pull_request.author))
        shas = self._shas(pull_request_id, len(course.commits))
        for sha, authored in zip(shas, course.commits, strict=True):
            self.company.commits.append(
                Commit(
                    sha, repository, authored, author, authored,
                    content.additions // len(course.commits),
                    content.deletions // len(course.commits), content.trailers,
                )
            )  # fmt: skip
            self.company.pull_request_commits.append(
                PullRequestCommit(pull_request_id, sha, authored)
            )
        return shas

    def _merge(self, draw: Draw, change: Change, merged: datetime, content: Content) -> None:
        """The commit on the main line. A rebase makes none, a squash leaves only this one."""
        pull_request = change.pull_request
        style = self.merge_style(pull_request.repository)
        keeps_trailers, lists_merge = draw.random() < 0.5, draw.random() < 0.97
        if style == "rebase" and change.shipped_as:
            pull_request.merge_commit_sha = change.shipped_as[-1]
            return
        sha = self._shas(f"{pull_request.pull_request_id}|merge", 1)[0]
        pull_request.merge_commit_sha = sha
        reverts = (content.trailers or "").startswith("This reverts")
        self.company.commits.append(
            Commit(
                sha, pull_request.repository, merged,
                self.organization.commit_author(str(pull_request.author)), merged,
                content.additions, content.deletions,
                content.trailers if style == "squash" and (reverts or keeps_trailers) else None,
            )
        )  # fmt: skip
        if style == "squash" or not change.shipped_as:
            change.shipped_as = [sha]
        elif lists_merge:
            change.shipped_as.append(sha)

    def _run_ci(
        self, draw: Draw, pull_request: PullRequest, course: Course, shas: list[str]
    ) -> None:
        """CI runs on the branch when it is opened, and again where it failed."""
        started = course.created + timedelta(seconds=40)
        for attempt in (1, 2):
            finished = started + hours(lognormal(draw, 0.13, 0.5))
            fails = draw.random() < (CI_FAILS if attempt == 1 else CI_FAILS_AGAIN)
            self.company.ci_runs.append(
                CiRun(
                    f"{pull_request.pull_request_id}-ci-{attempt}", pull_request.repository,
                    started, "failure" if fails else "success", finished,
                    shas[0] if shas else None, attempt,
                )
            )  # fmt: skip
            if not fails:
                return
            started = finished + timedelta(minutes=10)

    def bot_changes(self, service: Service) -> list[Change]:
        """Dependency updates of the service's repository, merged by whoever comes by."""
        changes = []
        for ownership in self.ownerships(service.service_id):
            for month in self.organization.months:
                setting = self.setting(ownership[0], month)
                if setting is None or not ownership[1] <= month < ownership[2]:
                    continue
                draw = self.organization.random("bot", service.service_id, month)
                for number in range(_count(draw.random(), BOT_CHANGES)):
                    begin = setting.time.first_position(month) + draw.random() * 150
                    changes.append(self._bot_change(draw, service, setting, begin, number))
        return changes

    def ownerships(self, service_id: str) -> list[tuple[str, date, date]]:
        """Who owned the service, since which day, and until which it no longer did."""
        return [
            (team_id, ownership.since, ownership.until)
            for team_id, ownerships in self.organization.ownerships.items()
            for ownership in ownerships
            if ownership.service_id == service_id
        ]

    def _bot_change(
        self, draw: Draw, service: Service, setting: Setting, begin: float, number: int
    ) -> Change:
        opened = setting.time.moment(begin)
        merged = setting.time.moment(begin + lognormal(draw, 16.0))
        course = Course([opened], opened + timedelta(seconds=20), None, merged, merged)
        if draw.random() < 0.6:
            reviewer = self._reviewer(draw, setting.team_id, merged.date(), DEPENDABOT)
            course.reviews.append((merged, reviewer, "approved", 0))
        version = f"{1 + number}.{int(draw.random() * 20)}"
        content = Content(
            f"Bump a library to {version}", f"dependabot/library-{version}", "maintenance",
            2, 2, ("dependencies",),
        )  # fmt: skip
        key = f"{service.service_id}|{setting.month}|bot|{number}"
        return self._record(draw, key, setting.factors, DEPENDABOT, service, course, content)
