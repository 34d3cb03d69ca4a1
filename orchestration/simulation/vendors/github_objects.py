"""The objects that GitHub's GraphQL gives, each made when it is asked for."""

import functools
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestration.simulation.records import Commit, Review
from orchestration.simulation.vendors._people import login
from orchestration.simulation.vendors.github_graphql import (
    Fault,
    Object,
    Question,
    connection,
    listed,
)
from orchestration.simulation.vendors.github_history import (
    BRANCH,
    CODEOWNERS,
    WEB,
    Permission,
    Pull,
    Repository,
    Rollout,
    Ticket,
    closed_at,
    has_come,
    node_id,
    node_of,
    stamp,
    updated_at,
)

if TYPE_CHECKING:
    from orchestration.simulation.vendors.github import Github


class Graph:
    """GraphQL's objects, made when they are asked for."""

    def __init__(self, server: "Github") -> None:
        self._server, self._history = server, server.history
        self._user = functools.lru_cache(maxsize=2**14)(self._user_of)

    def query(self, question: Question) -> Object:
        """Where every question begins."""
        return {
            "__typename": "Query",
            "repository": self._repository_by_name,
            "organization": self._organization_by_login,
            "rateLimit": lambda dryRun: self._rate_limit(question),  # noqa: N803
            "node": self._node,
            "nodes": lambda ids: [self._node_or_none(own) for own in ids],
            "viewer": lambda: self._user("valuemaxx-reader"),
        }

    def _rate_limit(self, question: Question) -> Object:
        values = self._server.points.values()
        reset = datetime.fromtimestamp(values["reset"], UTC)
        return {
            "__typename": "RateLimit", "cost": question.price.points,
            "nodeCount": question.price.nodes, "limit": values["limit"],
            "remaining": values["remaining"], "used": values["used"], "resetAt": stamp(reset),
        }  # fmt: skip

    def _needs(self, permission: Permission) -> None:
        if permission in self._server.lacks:
            raise Fault("FORBIDDEN", self._server.not_accessible())

    def _repository_by_name(self, owner: str, name: str, followRenames: bool) -> Object:  # noqa: N803
        found = self._server.found(f"{owner}/{name}", followRenames)
        if found is None:
            raise Fault(
                "NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'."
            )
        return self.repository(found)

    def _organization_by_login(self, login: str) -> Object:
        if login.lower() != self._server.name.lower():
            raise Fault(
                "NOT_FOUND", f"Could not resolve to an Organization with the login of '{login}'."
            )
        return self._organization()

    def _node(self, id: str) -> Object:
        found = self._node_or_none(id)
        if found is None:
            raise Fault("NOT_FOUND", f"Could not resolve to a node with the global id of '{id}'.")
        return found

    def _node_or_none(self, own: str) -> Object | None:
        kind, number = node_of(own)
        for repository in self._server.visible():
            if kind == "R" and repository.id == number:
                return self.repository(repository)
            for pull in repository.pulls if kind == "PR" else ():
                if pull.id == number and pull.moments[0] < self._server.seen_at(number):
                    return self._pull(repository, pull)
            for ticket in repository.tickets if kind == "I" else ():
                if ticket.id == number and ticket.created < self._server.seen_at(number):
                    return self._issue(repository, ticket)
            for rollout in self._server.rollouts_of(repository) if kind == "DE" else ():
                if rollout.id == number:
                    return self._deployment(repository, rollout)
        return None

    def _organization(self) -> Object:
        server = self._server
        return {
            "__typename": "Organization", "id": node_id("O", 1), "databaseId": 1,
            "login": server.name, "name": None, "url": f"{WEB}/{server.name}",
            "createdAt": "2020-01-01T00:00:00Z",
            "repositories": self._repositories,
            "repository": lambda name, followRenames: self._repository_by_name(  # noqa: N803
                server.name, name, followRenames
            ),
            "teams": self._teams,
            "team": lambda slug: self._team(slug) if slug in self._history.teams else None,
            "membersWithRole": self._members,
            "samlIdentityProvider": self._identity_provider,
        }  # fmt: skip

    def _repositories(
        self,
        orderBy: Mapping[str, str] | None = None,
        **asked: Any,  # noqa: N803
    ) -> Object:
        page = {k: asked.pop(k) for k in ("after", "before", "first", "last") if k in asked}
        rows = [
            r
            for r in self._server.visible()
            if asked.get("isArchived") in (None, r.is_archived)
            and asked.get("isFork") in (None, False)
            and asked.get("isLocked") in (None, False)
            and asked.get("hasIssuesEnabled") in (None, True)
            and asked.get("privacy") in (None, "PRIVATE")
            and asked.get("visibility") in (None, "PRIVATE")
        ]
        order = orderBy or {"field": "CREATED_AT", "direction": "ASC"}
        keyed = sorted(((self._place(r, order["field"]), r.id), r.id, r) for r in rows)
        return connection(
            "Repository", [key for key, _, _ in keyed],
            lambda n: self.repository(keyed[n][2]), descending=order["direction"] == "DESC",
            totalDiskUsage=0, **page,
        )  # fmt: skip

    def _place(self, repository: Repository, field: str) -> str:
        sort = {"NAME": "full_name", "PUSHED_AT": "pushed", "UPDATED_AT": "updated"}
        return self._server.sorted_by(sort.get(field, "created"), repository)

    def _teams(self, **asked: Any) -> Object:
        self._needs("members")
        query, order = asked.get("query") or "", asked.get("orderBy") or {"direction": "ASC"}
        rows = sorted(
            t.team_id
            for t in self._history.company.teams
            if query.lower() in t.team_name.lower()
            and not (asked.get("rootTeamsOnly") and t.parent_team_id)
        )
        return connection(
            "Team", [(slug,) for slug in rows], lambda n: self._team(rows[n]),
            descending=order["direction"] == "DESC", **_paging(asked),
        )  # fmt: skip

    def _team(self, slug: str) -> Object:
        self._needs("members")
        team = next(t for t in self._history.company.teams if t.team_id == slug)
        number, parent = self._history.teams[slug], team.parent_team_id
        made = stamp(datetime.combine(self._history.company.starts_on, datetime.min.time()))
        return {
            "__typename": "Team", "id": node_id("T", number), "databaseId": number, "slug": slug,
            "name": team.team_name, "combinedSlug": f"{self._server.name}/{slug}",
            "description": None, "privacy": "VISIBLE", "createdAt": made, "updatedAt": made,
            "url": f"{WEB}/orgs/{self._server.name}/teams/{slug}",
            "parentTeam": lambda: self._team(parent) if parent in self._history.teams else None,
            "organization": self._organization,
            "members": lambda **asked: self._team_members(slug, **asked),
            "repositories": lambda **asked: self._team_repositories(slug, **asked),
        }  # fmt: skip

    def _team_members(self, slug: str, **asked: Any) -> Object:
        names = self._history.members(slug, self._server.now.date())
        return listed(
            "TeamMember", [self._user(n) for n in names],
            edge=lambda n: {"role": "MEMBER"}, **_paging(asked),
        )  # fmt: skip

    def _team_repositories(self, slug: str, **asked: Any) -> Object:
        rows = self._server.repositories_of(slug)
        return listed(
            "TeamRepository", [self.repository(r) for r in rows],
            edge=lambda n: {"permission": "ADMIN"}, **_paging(asked),
        )  # fmt: skip

    def _members(self, **page: Any) -> Object:
        self._needs("members")
        names = sorted(self._history.users)
        return connection(
            "OrganizationMember", [(n,) for n in names], lambda n: self._user(names[n]),
            edge=lambda n: {"role": "MEMBER"}, **page,
        )  # fmt: skip

    def _identity_provider(self) -> Object | None:
        if not self._server.has_sso:
            return None
        self._needs("saml")
        return {
            "__typename": "OrganizationIdentityProvider", "id": node_id("OIP", 1), "ssoUrl": None,
            "issuer": None, "externalIdentities": self._external_identities,
        }  # fmt: skip

    def _external_identities(
        self,
        login: str | None = None,
        userName: str | None = None,
        **asked: Any,  # noqa: N803
    ) -> Object:
        rows = [
            (name, email)
            for name, email in sorted(self._history.emails.items())
            if login in (None, name) and userName in (None, email)
        ]
        return connection(
            "ExternalIdentity", [(name,) for name, _ in rows],
            lambda n: self._external_identity(*rows[n]), **_paging(asked),
        )  # fmt: skip

    def _external_identity(self, name: str, email: str) -> Object:
        number = self._history.users[name]
        address = {
            "__typename": "UserEmailMetadata", "value": email, "primary": True, "type": None,
        }  # fmt: skip
        said = {
            "username": email, "familyName": None, "givenName": None, "groups": None,
            "emails": [address],
        }  # fmt: skip
        return {
            "__typename": "ExternalIdentity", "id": node_id("EI", number), "guid": f"guid-{number}",
            "user": self._user(name),
            "samlIdentity": {
                "__typename": "ExternalIdentitySamlAttributes", "nameId": email, "attributes": [],
                **said,
            },
            "scimIdentity": {"__typename": "ExternalIdentityScimAttributes", **said},
        }  # fmt: skip

    def _user_of(self, name: str) -> Object:
        number = self._history.users.get(name, 1)
        return {
            "__typename": "User", "id": node_id("U", number), "databaseId": number, "login": name,
            "name": None, "email": "", "url": f"{WEB}/{name}", "isSiteAdmin": False,
            "createdAt": "2020-01-01T00:00:00Z",
        }  # fmt: skip

    def _actor(self, address: str | None) -> Object | None:
        """Whoever did something; nobody where the account is deleted."""
        if address is None:
            return None
        if "@" in address:
            return self._user(login(address))
        name = address.removesuffix("[bot]")
        return {
            "__typename": "Bot", "id": node_id("BOT", 1), "databaseId": 1, "login": name,
            "url": f"{WEB}/apps/{name}", "createdAt": "2020-01-01T00:00:00Z",
        }  # fmt: skip

    def repository(self, found: Repository) -> Object:
        """A repository."""
        server, pushed = self._server, found.pushed(self._server.now)
        created = stamp(found.created)
        return {
            "__typename": "Repository", "id": node_id("R", found.id), "databaseId": found.id,
            "name": found.name.partition("/")[2], "nameWithOwner": found.name,
            "owner": self._organization, "isArchived": found.is_archived, "isDisabled": False,
            "isEmpty": pushed is None, "isFork": False, "isLocked": False, "isMirror": False,
            "isPrivate": True, "isTemplate": False, "isInOrganization": True,
            "visibility": "PRIVATE", "hasIssuesEnabled": True, "createdAt": created,
            "updatedAt": stamp(pushed[0]) if pushed else created,
            "pushedAt": stamp(pushed[0]) if pushed else None,
            "archivedAt": stamp(server.now) if found.is_archived else None, "diskUsage": 0,
            "description": None, "url": f"{WEB}/{found.name}", "viewerPermission": "READ",
            "defaultBranchRef": lambda: self._branch(found),
            "object": lambda oid=None, expression=None: self._object(found, oid, expression),
            "codeowners": lambda **_: self._codeowners(found),
            "pullRequest": lambda number: self._pull_by_number(found, number),
            "pullRequests": lambda **asked: self._pulls(found, **asked),
            "issue": lambda number: self._issue_by_number(found, number),
            "issues": lambda **asked: self._issues(found, **asked),
            "deployments": lambda **asked: self._deployments(found, **asked),
            "releases": lambda **asked: self._releases(found, **asked),
        }  # fmt: skip

    def _branch(self, found: Repository) -> Object | None:
        self._needs("contents")
        pushed = found.pushed(self._server.now)
        if pushed is None:
            return None
        return {
            "__typename": "Ref", "id": node_id("REF", found.id), "name": BRANCH,
            "prefix": "refs/heads/", "target": lambda: self._commit(pushed[1], pushed[0]),
        }  # fmt: skip

    def _object(self, found: Repository, oid: str | None, expression: str | None) -> Object | None:
        self._needs("contents")
        if oid is not None:
            known = self._history.commits.get(oid)
            return self._commit(oid, known.authored_at) if known else None
        branch, _, path = (expression or "").partition(":")
        if branch not in ("HEAD", BRANCH):
            return None
        if not path:
            pushed = found.pushed(self._server.now)
            return self._commit(pushed[1], pushed[0]) if pushed else None
        text = self._server.codeowners_of(found) if path == CODEOWNERS else None
        if text is None:
            return None
        sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        return {
            "__typename": "Blob", "id": f"B_{sha}", "oid": sha, "abbreviatedOid": sha[:7],
            "byteSize": len(text.encode()), "isBinary": False, "isTruncated": False, "text": text,
        }  # fmt: skip

    def _codeowners(self, found: Repository) -> Object | None:
        self._needs("contents")
        if self._server.codeowners_of(found) is None:
            return None
        return {"__typename": "RepositoryCodeowners", "errors": []}

    def _pull_by_number(self, found: Repository, number: int) -> Object:
        for pull in found.pulls:
            if pull.number == number and pull.moments[0] < self._server.seen_at(pull.id):
                return self._pull(found, pull)
        raise Fault("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {number}.")

    def _issue_by_number(self, found: Repository, number: int) -> Object:
        for ticket in found.tickets:
            if ticket.number == number and ticket.created < self._server.seen_at(ticket.id):
                return self._issue(found, ticket)
        raise Fault("NOT_FOUND", f"Could not resolve to an Issue with the number of {number}.")

    def _pulls(
        self,
        found: Repository,
        orderBy: Mapping[str, str] | None = None,
        **asked: Any,  # noqa: N803
    ) -> Object:
        self._needs("pull_requests")
        order = orderBy or {"field": "CREATED_AT", "direction": "ASC"}
        keys, pulls = self._server.in_order(found, "pulls", order["field"])
        states, labels = asked.get("states"), asked.get("labels")
        head, base = asked.get("headRefName"), asked.get("baseRefName")
        if states is not None or labels or head or base:
            kept = [
                n
                for n, p in enumerate(pulls)
                if (states is None or p.state(self._server.seen_at(p.id)) in states)
                and (not labels or set(labels) & set(p.record.labels))
                and head in (None, p.record.head_branch)
                and base in (None, self._server.base_of(p.record))
            ]
            keys, pulls = [keys[n] for n in kept], [pulls[n] for n in kept]
        return connection(
            "PullRequest", keys, lambda n: self._pull(found, pulls[n]),
            descending=order["direction"] == "DESC", **_paging(asked),
        )  # fmt: skip

    def _pull(self, found: Repository, pull: Pull) -> Object:
        record, at = pull.record, self._server.seen_at(pull.id)
        merged = stamp(record.merged_at) if has_come(record.merged_at, at) else None
        closed = stamp(record.closed_at) if has_come(record.closed_at, at) else merged
        ready, created = record.ready_at, stamp(record.created_at)
        commits = [c for c in pull.commits if (c.committed_at or c.authored_at) < at]
        reviews = [r for r in pull.reviews if r[1].submitted_at < at]
        author = self._actor(record.author)
        own = f"{WEB}/{found.name}/pull/{pull.number}"
        return {
            "__typename": "PullRequest", "id": node_id("PR", pull.id), "databaseId": pull.id,
            "fullDatabaseId": str(pull.id), "number": pull.number, "url": own,
            "state": pull.state(at), "isDraft": ready is not None and not has_come(ready, at),
            "closed": closed is not None, "merged": merged is not None, "locked": False,
            "createdAt": created, "publishedAt": created, "closedAt": closed, "mergedAt": merged,
            "updatedAt": stamp(updated_at(pull, at)),
            "lastEditedAt": None, "mergedBy": author if merged else None,
            "mergeCommit": lambda: self._merge(pull) if merged else None,
            "additions": record.additions or 0, "deletions": record.deletions or 0,
            "changedFiles": record.changed_files or 0,
            "headRefName": record.head_branch or f"branch-{pull.number}",
            "headRefOid": commits[-1].commit_sha if commits else "0" * 40,
            "baseRefName": self._server.base_of(record), "baseRefOid": "0" * 40,
            "isCrossRepository": False,
            "title": record.title or "", "body": "", "bodyText": "", "author": author,
            "authorAssociation": "MEMBER", "repository": lambda: self.repository(found),
            "reviewDecision": None,
            "totalCommentsCount": sum(r.comment_count or 0 for _, r in reviews),
            "labels": lambda orderBy, **page: listed(  # noqa: N803
                "Label", _label_objects(record.labels), **page
            ),
            "files": lambda **page: _files(pull, page),
            "commits": lambda **page: connection(
                "PullRequestCommit", [(n,) for n in range(len(commits))],
                lambda n: self._pull_commit(found, pull, commits[n], n), **page,
            ),
            "reviews": lambda **asked: self._reviews(found, pull, reviews, **asked),
            "reviewThreads": lambda **page: listed("PullRequestReviewThread", (), **page),
            "comments": lambda **asked: listed("IssueComment", (), **_paging(asked)),
            "closingIssuesReferences": lambda **asked: self._closing(found, pull, **asked),
            "timelineItems": lambda **asked: _timeline(
                "PullRequestTimelineItems", self._pull_events(pull, author), at, **asked
            ),
            "assignees": lambda **page: listed("User", (), **page),
        }  # fmt: skip

    def _merge(self, pull: Pull) -> Object | None:
        record = pull.record
        if record.merge_commit_sha is None:
            return None
        return self._commit(record.merge_commit_sha, record.merged_at, pull)

    def _pull_events(self, pull: Pull, actor: Object | None) -> list[Object]:
        record = pull.record
        happened = [
            ("ReadyForReviewEvent", record.ready_at), ("MergedEvent", record.merged_at),
            ("ClosedEvent", record.closed_at),
        ]  # fmt: skip
        return [
            {
                "__typename": name, "id": node_id(name, pull.id), "actor": actor, "at": at,
                "createdAt": stamp(at), "stateReason": None,
                "commit": lambda: self._merge(pull),
            }
            for name, at in happened
            if at
        ]  # fmt: skip

    def _pull_commit(self, found: Repository, pull: Pull, commit: Commit, place: int) -> Object:
        return {
            "__typename": "PullRequestCommit", "id": f"{node_id('PURC', pull.id)}_{place}",
            "commit": lambda: self._commit(commit.commit_sha, commit.authored_at, pull),
            "pullRequest": lambda: self._pull(found, pull),
            "url": f"{WEB}/{found.name}/pull/{pull.number}/commits/{commit.commit_sha}",
        }  # fmt: skip

    def _commit(self, sha: str, at: datetime | None, pull: Pull | None = None) -> Object:
        """A commit; what the company has not kept of it is made up from when it came."""
        known = self._history.commits.get(sha) or Commit(sha, "", at or self._server.now)
        headline = (pull and pull.record.title) or "Change"
        body = known.message_trailers or ""
        authored, committed = known.authored_at, known.committed_at or known.authored_at

        def author() -> Object:
            return self._git_actor(known.author, authored)

        return {
            "__typename": "Commit", "id": f"C_kwDO{sha}", "oid": sha, "abbreviatedOid": sha[:7],
            "url": f"{WEB}/{known.repository}/commit/{sha}", "authoredDate": stamp(authored),
            "committedDate": stamp(committed),
            "message": f"{headline}\n\n{body}" if body else headline,
            "messageHeadline": headline, "messageBody": body, "author": author,
            "committer": lambda: self._git_actor(known.author, committed),
            "authors": lambda **page: listed("GitActor", [author()], **page),
            "authoredByCommitter": True, "additions": known.additions or 0,
            "deletions": known.deletions or 0, "changedFilesIfAvailable": None,
            "parents": lambda **page: listed("Commit", (), **page),
        }  # fmt: skip

    def _git_actor(self, address: str | None, at: datetime) -> Object:
        name = self._history.person_of(address)
        if address is not None and "@" not in address:  # bots commit under a no-reply address
            address = f"1+{address}@users.noreply.github.com"
        return {
            "__typename": "GitActor", "name": None, "email": address, "date": stamp(at),
            "user": self._user(name) if name else None,
        }  # fmt: skip

    def _reviews(
        self, found: Repository, pull: Pull, reviews: list[tuple[int, Review]], **asked: Any
    ) -> Object:
        states, author = asked.get("states"), asked.get("author")
        kept = [
            (number, review)
            for number, review in reviews
            if (not states or _review_state(review) in states)
            and author in (None, login(review.reviewer or ""))
        ]
        return connection(
            "PullRequestReview", [(stamp(r.submitted_at), number) for number, r in kept],
            lambda n: self._review(found, pull, *kept[n]), **_paging(asked),
        )  # fmt: skip

    def _review(self, found: Repository, pull: Pull, number: int, review: Review) -> Object:
        submitted = stamp(review.submitted_at)
        return {
            "__typename": "PullRequestReview", "id": node_id("PRR", number), "databaseId": number,
            "fullDatabaseId": str(number), "author": self._actor(review.reviewer),
            "url": f"{WEB}/{found.name}/pull/{pull.number}#pullrequestreview-{number}",
            "authorAssociation": "MEMBER", "state": _review_state(review),
            "createdAt": submitted, "submittedAt": submitted, "updatedAt": submitted,
            "publishedAt": submitted, "lastEditedAt": None, "body": "", "bodyText": "",
            "commit": None, "pullRequest": lambda: self._pull(found, pull),
            "comments": lambda **page: _review_comments(number, review, page),
        }  # fmt: skip

    def _closing(self, found: Repository, pull: Pull, **asked: Any) -> Object:
        self._needs("issues")
        seen = [t for t in pull.closes if t.created < self._server.seen_at(t.id)]
        home = {t.id: r for r in self._server.visible() for t in r.tickets} if seen else {}
        return listed(
            "Issue", [self._issue(home[t.id], t) for t in seen if t.id in home], **_paging(asked)
        )

    def _issues(
        self,
        found: Repository,
        orderBy: Mapping[str, str] | None = None,  # noqa: N803
        filterBy: Mapping[str, Any] | None = None,  # noqa: N803
        **asked: Any,
    ) -> Object:
        self._needs("issues")
        order, only = orderBy or {"field": "CREATED_AT", "direction": "ASC"}, filterBy or {}
        keys, tickets = self._server.in_order(found, "tickets", order["field"])
        states = asked.get("states") or only.get("states")
        labels, since = asked.get("labels") or only.get("labels"), only.get("since") or ""
        kept = [
            n
            for n, t in enumerate(tickets)
            if (not states or t.state(self._server.seen_at(t.id)) in states)
            and (not labels or set(labels) & set(t.labels))
            and stamp(updated_at(t, self._server.seen_at(t.id))) >= since
        ]
        return connection(
            "Issue", [keys[n] for n in kept], lambda n: self._issue(found, tickets[kept[n]]),
            descending=order["direction"] == "DESC", **_paging(asked),
        )  # fmt: skip

    def _issue(self, found: Repository, ticket: Ticket) -> Object:
        at, created = self._server.seen_at(ticket.id), stamp(ticket.created)
        is_open, closed = ticket.state(at) == "OPEN", closed_at(ticket, at)
        return {
            "__typename": "Issue", "id": node_id("I", ticket.id), "databaseId": ticket.id,
            "fullDatabaseId": str(ticket.id), "number": ticket.number, "title": ticket.title,
            "url": f"{WEB}/{found.name}/issues/{ticket.number}", "body": "", "bodyText": "",
            "state": ticket.state(at), "stateReason": None if is_open else "COMPLETED",
            "closed": not is_open, "createdAt": created, "publishedAt": created,
            "updatedAt": stamp(updated_at(ticket, at)),
            "closedAt": stamp(closed) if closed else None, "author": None,
            "authorAssociation": "MEMBER", "repository": lambda: self.repository(found),
            "assignees": lambda **page: listed("User", (), **page),
            "labels": lambda orderBy, **page: listed(  # noqa: N803
                "Label", _label_objects(ticket.labels), **page
            ),
            "timelineItems": lambda **asked: _timeline(
                "IssueTimelineItems", _issue_events(ticket), at, **asked
            ),
            "closedByPullRequestsReferences": lambda **asked: self._closers(ticket, **asked),
            "comments": lambda **asked: listed("IssueComment", (), **_paging(asked)),
            "issueType": None
            if ticket.kind is None
            else {
                "__typename": "IssueType", "id": f"IT_{ticket.kind}", "description": None,
                "name": ticket.kind.capitalize(), "isEnabled": True,
            },
            "parent": lambda: self._parent(ticket),
        }  # fmt: skip

    def _parent(self, ticket: Ticket) -> Object | None:
        if ticket.parent is None:
            return None
        homes = [r for r in self._server.visible() if ticket.parent in r.tickets]
        return self._issue(homes[0], ticket.parent) if homes else None

    def _closers(self, ticket: Ticket, **asked: Any) -> Object:
        visible = {r.name: r for r in self._server.visible()}
        seen = [
            (visible[owner.name], pull)
            for pull in ticket.pulls
            for owner in [self._server.found(pull.record.repository)]
            if owner is not None and pull.moments[0] < self._server.seen_at(pull.id)
        ]
        if not asked.get("includeClosedPrs"):
            seen = [s for s in seen if s[1].state(self._server.seen_at(s[1].id)) != "CLOSED"]
        return listed("PullRequest", [self._pull(*s) for s in seen], **_paging(asked))

    def _deployments(
        self,
        found: Repository,
        orderBy: Mapping[str, str] | None,  # noqa: N803
        environments: list[str] | None = None,
        **page: Any,
    ) -> Object:
        self._needs("deployments")
        rows = [
            r
            for r in self._server.rollouts_of(found)
            if environments is None or r.record.environment in environments
        ]
        is_descending = orderBy is not None and orderBy["direction"] == "DESC"
        return connection(
            "Deployment", [(stamp(r.created), r.id) for r in rows],
            lambda n: self._deployment(found, rows[n]), descending=is_descending, **page,
        )  # fmt: skip

    def _deployment(self, found: Repository, rollout: Rollout) -> Object:
        record, statuses = rollout.record, self._server.statuses_of(rollout)
        newest = statuses[::-1]
        created, environment = stamp(rollout.created), record.environment
        return {
            "__typename": "Deployment", "id": node_id("DE", rollout.id), "databaseId": rollout.id,
            "commit": lambda: self._commit(rollout.sha, rollout.created)
            if rollout.sha in self._history.commits
            else None,
            "commitOid": rollout.sha, "createdAt": created,
            "updatedAt": stamp(newest[0][1]) if newest else created,
            "creator": self._actor("deployer[bot]"), "description": None,
            "environment": environment, "latestEnvironment": environment,
            "originalEnvironment": environment,
            "payload": json.dumps(self._server.payload_of(rollout)), "ref": None,
            "repository": lambda: self.repository(found), "state": self._server.state_of(rollout),
            "task": "deploy",
            "latestStatus": lambda: self._status(found, rollout, *newest[0]) if newest else None,
            "statuses": lambda **page: connection(
                "DeploymentStatus", [(-number,) for number, _, _ in newest],
                lambda n: self._status(found, rollout, *newest[n]), **page,
            ),
        }  # fmt: skip

    def _status(
        self, found: Repository, rollout: Rollout, number: int, at: datetime, state: str
    ) -> Object:
        return {
            "__typename": "DeploymentStatus", "id": node_id("DES", number), "state": state.upper(),
            "createdAt": stamp(at), "updatedAt": stamp(at), "description": "",
            "environment": rollout.record.environment, "environmentUrl": None, "logUrl": None,
            "creator": self._actor("deployer[bot]"),
            "deployment": lambda: self._deployment(found, rollout),
        }  # fmt: skip

    def _releases(
        self,
        found: Repository,
        orderBy: Mapping[str, str] | None = None,
        **page: Any,  # noqa: N803
    ) -> Object:
        self._needs("contents")
        rows = [
            (stamp(r.record.finished_at), number, r)
            for number, r in found.releases
            if r.record.finished_at < self._server.now
        ]
        rows.sort(key=lambda row: row[:2])
        is_descending = orderBy is not None and orderBy["direction"] == "DESC"
        return connection(
            "Release", [row[:2] for row in rows], lambda n: self._release(found, *rows[n]),
            descending=is_descending, **page,
        )  # fmt: skip

    def _release(self, found: Repository, at: str, number: int, rollout: Rollout) -> Object:
        name = rollout.record.deployment_id
        return {
            "__typename": "Release", "id": node_id("RE", number), "databaseId": number,
            "name": name, "tagName": name, "createdAt": at, "publishedAt": at, "updatedAt": at,
            "isPrerelease": False, "isDraft": False, "isLatest": False,
            "tagCommit": lambda: self._commit(rollout.sha, rollout.created),
            "url": f"{WEB}/{found.name}", "author": None,
        }  # fmt: skip


def _paging(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {k: asked[k] for k in ("after", "before", "first", "last") if k in asked}


def _label_objects(names: tuple[str, ...]) -> list[Object]:
    return [
        {
            "__typename": "Label", "id": f"LA_{name}", "name": name, "color": "ededed",
            "description": None, "isDefault": False,
        }
        for name in names
    ]  # fmt: skip


def _files(pull: Pull, page: dict[str, Any]) -> Object | None:
    """The changed files, tests first; null, as for a change too large to list, where nobody knows
    which of them are tests."""
    record = pull.record
    if record.test_files_changed is None or record.changed_files is None:
        return None
    tests, count = record.test_files_changed, record.changed_files
    added, deleted = record.additions or 0, record.deletions or 0

    def file(place: int) -> Object:
        name = f"tests/test_part_{place}.py" if place < tests else f"src/part_{place}.py"
        return {
            "__typename": "PullRequestChangedFile", "path": name, "changeType": "MODIFIED",
            "additions": _share(added, place, count), "deletions": _share(deleted, place, count),
        }  # fmt: skip

    return connection("PullRequestChangedFile", [(n,) for n in range(count)], file, **page)


def _share(total: int, place: int, count: int) -> int:
    """What one of so many gets of a total."""
    return total * (place + 1) // count - total * place // count


def _timeline(
    name: str, events: list[Object], at: datetime, *, since: str | None = None,
    skip: int | None = None, itemTypes: list[str] | None = None, **page: Any,  # noqa: N803
) -> Object:  # fmt: skip
    wanted = itemTypes and {"".join(map(str.capitalize, t.split("_"))) for t in itemTypes}
    kept = [
        event
        for event in sorted(events, key=lambda e: e["at"])
        if event["at"] < at
        and (wanted is None or event["__typename"] in wanted)
        and event["createdAt"] >= (since or "")
    ][skip or 0 :]
    counts = {"filteredCount": len(kept), "pageCount": len(kept)}
    updated = kept[-1]["createdAt"] if kept else stamp(at)
    return listed(name, kept, updatedAt=updated, **counts, **page)


def _issue_events(ticket: Ticket) -> list[Object]:
    names = ("ClosedEvent", "ReopenedEvent")
    happened = [(names[n % 2], at) for n, at in enumerate(ticket.events)]
    if ticket.started:
        happened.append(("AssignedEvent", ticket.started))
    return [
        {
            "__typename": name, "id": node_id(f"{name}{n}", ticket.id), "actor": None, "at": at,
            "createdAt": stamp(at),
            "stateReason": "COMPLETED" if name == "ClosedEvent" else "REOPENED",
        }
        for n, (name, at) in enumerate(happened)
    ]  # fmt: skip


def _review_state(review: Review) -> str:
    return (review.state or "commented").upper()


def _review_comments(number: int, review: Review, page: dict[str, Any]) -> Object:
    submitted = stamp(review.submitted_at)

    def comment(place: int) -> Object:
        return {
            "__typename": "PullRequestReviewComment", "id": f"{node_id('PRRC', number)}_{place}",
            "author": None, "createdAt": submitted,
        }  # fmt: skip

    places = [(n,) for n in range(review.comment_count or 0)]
    return connection("PullRequestReviewComment", places, comment, **page)
