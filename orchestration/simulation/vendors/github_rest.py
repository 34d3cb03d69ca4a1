"""The objects that GitHub's REST gives."""

import functools
from datetime import datetime
from typing import TYPE_CHECKING

from orchestration.simulation.vendors._people import login
from orchestration.simulation.vendors.github_graphql import Object
from orchestration.simulation.vendors.github_history import (
    BRANCH,
    WEB,
    Pull,
    Repository,
    Rollout,
    Run,
    Ticket,
    closed_at,
    has_come,
    labels_of,
    node_id,
    stamp,
    updated_at,
)

if TYPE_CHECKING:
    from orchestration.simulation.vendors.github import Github


class Payloads:
    """What a server's REST says of a thing, as of the server's now."""

    def __init__(self, server: "Github") -> None:
        self._server = server
        self._minimal = functools.lru_cache(maxsize=64)(self._as_it_was)

    def user(self, name: str, number: int, kind: str = "User") -> Object:
        """An account."""
        own = f"{self._server.url}/users/{name}"
        urls = (
            "events", "followers", "following", "gists", "organizations", "received_events",
            "repos", "starred", "subscriptions",
        )  # fmt: skip
        return {
            "login": name, "id": number, "node_id": node_id("U", number), "avatar_url": "",
            "gravatar_id": "", "url": own, "html_url": f"{WEB}/{name}", "type": kind,
            "site_admin": False, **{f"{url}_url": f"{own}/{url}" for url in urls},
        }  # fmt: skip

    def person(self, address: str | None) -> Object | None:
        """Whoever did something; nobody where the account is deleted."""
        if address is None:
            return None
        name = login(address)
        kind = "User" if "@" in address else "Bot"
        return self.user(name, self._server.history.users.get(name, 0), kind)

    def owner(self) -> Object:
        """The organisation as an owner."""
        return self.user(self._server.name, 1, "Organization")

    def repository(self, found: Repository) -> Object:
        """A repository as lists give it."""
        own, pushed = f"{self._server.url}/repos/{found.name}", found.pushed(self._server.now)
        urls = (
            "archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits",
            "compare", "contents", "contributors", "deployments", "downloads", "events", "forks",
            "git_commits", "git_refs", "git_tags", "hooks", "issue_comment", "issue_events",
            "issues", "keys", "labels", "languages", "merges", "milestones", "notifications",
            "pulls", "releases", "stargazers", "statuses", "subscribers", "subscription", "tags",
            "teams", "trees",
        )  # fmt: skip
        return {
            "id": found.id, "node_id": node_id("R", found.id), "full_name": found.name,
            "name": found.name.partition("/")[2], "owner": self.owner(), "private": True,
            "fork": False, "description": None, "url": own, "html_url": f"{WEB}/{found.name}",
            "archived": found.is_archived, "disabled": False, "visibility": "private",
            "default_branch": BRANCH, "size": 0,
            "created_at": stamp(found.created),
            "pushed_at": stamp(pushed[0]) if pushed else None,
            "updated_at": stamp(pushed[0] if pushed else found.created),
            **{f"{url}_url": f"{own}/{url}" for url in urls},
        }  # fmt: skip

    def _as_it_was(self, number: int, name: str, is_archived: bool, now: datetime) -> Object:
        """A repository, of which every run shows two."""
        return self.repository(next(r for r in self._server.visible() if r.id == number))

    def administered(self, found: Repository) -> Object:
        """A repository as its administrators see it."""
        named = ("admin", "maintain", "push", "triage", "pull")
        permissions = dict.fromkeys(named, True)
        return {**self.repository(found), "permissions": permissions, "role_name": "admin"}

    def team(self, team_id: str) -> Object:
        """A team."""
        team = next(t for t in self._server.history.company.teams if t.team_id == team_id)
        number = self._server.history.teams[team_id]
        own = f"{self._server.url}/organizations/1/team/{number}"
        parent = team.parent_team_id
        return {
            "id": number, "node_id": node_id("T", number), "name": team.team_name,
            "slug": team_id, "description": None, "privacy": "closed", "permission": "pull",
            "notification_setting": "notifications_enabled", "type": "organization",
            "organization_id": 1, "url": own,
            "html_url": f"{WEB}/orgs/{self._server.name}/teams/{team_id}",
            "members_url": f"{own}/members{{/member}}", "repositories_url": f"{own}/repos",
            "parent": self.team(parent) if parent in self._server.history.teams else None,
        }  # fmt: skip

    def deployment(self, found: Repository, rollout: Rollout) -> Object:
        """A deployment."""
        own = f"{self._server.url}/repos/{found.name}/deployments/{rollout.id}"
        statuses = self._server.statuses_of(rollout)
        return {
            "id": rollout.id, "node_id": node_id("DE", rollout.id), "url": own, "sha": rollout.sha,
            "ref": BRANCH, "task": "deploy", "payload": self._server.payload_of(rollout),
            "environment": rollout.record.environment,
            "original_environment": rollout.record.environment, "description": None,
            "creator": self.user("deployer[bot]", 2, "Bot"),
            "created_at": stamp(rollout.created),
            "updated_at": stamp(statuses[-1][1] if statuses else rollout.created),
            "statuses_url": f"{own}/statuses", "repository_url": own.partition("/deployments")[0],
            "transient_environment": False, "production_environment": False,
            "performed_via_github_app": None,
        }  # fmt: skip

    def status(
        self, found: Repository, rollout: Rollout, number: int, at: datetime, state: str
    ) -> Object:
        """A status of a deployment."""
        deployment = f"{self._server.url}/repos/{found.name}/deployments/{rollout.id}"
        return {
            "id": number, "node_id": node_id("DES", number), "state": state,
            "url": f"{deployment}/statuses/{number}", "description": "",
            "creator": self.user("deployer[bot]", 2, "Bot"),
            "environment": rollout.record.environment, "target_url": "", "log_url": "",
            "environment_url": "", "created_at": stamp(at), "updated_at": stamp(at),
            "deployment_url": deployment, "performed_via_github_app": None,
            "repository_url": f"{self._server.url}/repos/{found.name}",
        }  # fmt: skip

    def release(self, found: Repository, number: int, rollout: Rollout) -> Object:
        """A release."""
        own = f"{self._server.url}/repos/{found.name}/releases/{number}"
        published = stamp(rollout.record.finished_at)
        return {
            "id": number, "node_id": node_id("RE", number), "url": own,
            "assets_url": f"{own}/assets", "upload_url": f"{own}/assets{{?name,label}}",
            "html_url": f"{WEB}/{found.name}",
            "tarball_url": None, "zipball_url": None, "assets": [], "draft": False,
            "prerelease": False, "immutable": False, "tag_name": rollout.record.deployment_id,
            "target_commitish": rollout.sha, "name": rollout.record.deployment_id, "body": None,
            "author": self.user("deployer[bot]", 2, "Bot"), "created_at": published,
            "published_at": published, "updated_at": published,
        }  # fmt: skip

    def workflow_run(self, found: Repository, run: Run) -> Object:
        """A workflow run."""
        repository = f"{self._server.url}/repos/{found.name}"
        own, started = f"{repository}/actions/runs/{run.id}", stamp(run.record.started_at)
        status, conclusion = self._server.outcome(run)
        finished = run.record.finished_at
        is_over = status == "completed" and finished is not None
        urls = ("jobs", "logs", "cancel", "rerun", "artifacts")
        bot = self.user("github-actions[bot]", 3, "Bot")
        minimal = self._minimal(found.id, found.name, found.is_archived, self._server.now)
        return {
            "id": run.id, "node_id": node_id("WFR", run.id), "name": "CI", "url": own,
            "head_branch": run.branch, "head_sha": run.sha, "path": ".github/workflows/ci.yml",
            "display_title": "CI", "run_number": run.number, "event": "pull_request",
            "run_attempt": run.record.attempt or 1, "status": status, "conclusion": conclusion,
            "workflow_id": found.id, "check_suite_id": run.id, "check_suite_node_id": "",
            "html_url": f"{WEB}/{found.name}/actions/runs/{run.id}", "pull_requests": [],
            "created_at": started, "run_started_at": started,
            "updated_at": stamp(finished) if is_over and finished else started,
            "actor": bot, "triggering_actor": bot, "previous_attempt_url": None,
            "check_suite_url": f"{repository}/check-suites/{run.id}",
            "workflow_url": f"{repository}/actions/workflows/{found.id}",
            **{f"{url}_url": f"{own}/{url}" for url in urls},
            "head_commit": None, "repository": minimal, "head_repository": minimal,
        }  # fmt: skip

    def issue(self, found: Repository, thing: Pull | Ticket) -> Object:
        """An issue, or a pull request as one."""
        at = self._server.seen_at(thing.id)
        is_open = thing.state(at) == "OPEN"
        repository = f"{self._server.url}/repos/{found.name}"
        own = f"{repository}/issues/{thing.number}"
        closed = closed_at(thing, at)
        kind = thing.kind if isinstance(thing, Ticket) else None
        record = thing.record if isinstance(thing, Pull) else None
        title, created = (
            (thing.title, thing.created)
            if isinstance(thing, Ticket)
            else (thing.record.title or "", thing.record.created_at)
        )
        told: Object = {
            "id": thing.id, "node_id": node_id("I" if record is None else "PR", thing.id),
            "number": thing.number, "title": title, "body": None, "locked": False,
            "state": "open" if is_open else "closed",
            "state_reason": None if is_open or record else "completed",
            "user": self.person(record.author) if record else None, "assignee": None,
            "assignees": [], "milestone": None, "comments": 0,
            "labels": [
                {"id": n, "name": name, "color": "ededed", "default": False}
                for n, name in enumerate(labels_of(thing), start=1)
            ],
            "created_at": stamp(created),
            "updated_at": stamp(updated_at(thing, at)),
            "closed_at": stamp(closed) if closed else None,
            "author_association": "MEMBER", "url": own, "html_url": f"{WEB}/{found.name}",
            "comments_url": f"{own}/comments", "events_url": f"{own}/events",
            "labels_url": f"{own}/labels{{/name}}", "repository_url": repository,
            "type": None
            if kind is None
            else {"id": 1, "node_id": "IT_1", "name": kind.capitalize(), "description": None},
        }  # fmt: skip
        if record:
            merged = record.merged_at if has_come(record.merged_at, at) else None
            urls = ("url", "html_url", "diff_url", "patch_url")
            told["pull_request"] = {
                "merged_at": stamp(merged) if merged else None,
                **dict.fromkeys(urls, f"{repository}/pulls/{thing.number}"),
            }
            told["draft"] = record.ready_at is not None and not has_come(record.ready_at, at)
        return told
