"""A company as its vendors hold it: which records which server has, and what stays in feeds.

What a vendor cannot tell stays in feeds: who is in which team, invoices, budgets, surveys, which
commits a deployment ships; and what was over before its vendor began to tell (Copilot's seats
without a history, its reports of earlier days).
"""

import dataclasses
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from orchestration.simulation import feeds
from orchestration.simulation.records import Company, Usage
from orchestration.simulation.usage import LONG_WINDOW
from orchestration.simulation.vendors._server import Faults, Vendor
from orchestration.simulation.vendors.anthropic import Anthropic
from orchestration.simulation.vendors.copilot import Copilot
from orchestration.simulation.vendors.github import Github
from orchestration.simulation.vendors.jira import TEAM, Jira
from orchestration.simulation.vendors.openai import OpenAI
from orchestration.simulation.vendors.pagerduty import FIELDS, PagerDuty

# The first day that Copilot's reports tell of; and they go no further back than a year.
FIRST_REPORT = date(2025, 10, 10)
REPORTS_KEPT = timedelta(days=365)
GATEWAY_COLUMNS = {
    "request_id": "id", "occurred_at": "time", "model": "model", "vendor": "provider",
    "person": "user", "tool": "client", "session_id": "session", "service_tier": "tier",
    "is_batch": "batch", "longest_prompt": "longest", "request_count": "requests",
    "uncached_input_tokens": "input", "cache_read_tokens": "cache_read",
    "cache_write_5m_tokens": "cache_write_5m", "cache_write_1h_tokens": "cache_write_1h",
    "output_tokens": "output",
}  # fmt: skip
LONG_PROMPT = 200_001
GATEWAY_KEY = "key-gateway"  # what the gateway calls with: Anthropic reports it as anyone's
USAGE_FIELDS = {
    "request_id": "usage_id", "occurred_at": "occurred_at", "model": "model", "vendor": "vendor",
    "person": "person", "tool": "tool", "session_id": "session_id",
    "service_tier": "service_tier", "is_batch": "is_batch",
    "request_count": "request_count", "uncached_input_tokens": "uncached_input_tokens",
    "cache_read_tokens": "cache_read_tokens", "cache_write_5m_tokens": "cache_write_5m_tokens",
    "cache_write_1h_tokens": "cache_write_1h_tokens", "output_tokens": "output_tokens",
}  # fmt: skip


@dataclass
class Portfolio:
    """The vendors' servers by system; ``left``: the company that stays in feeds; ``gateway``: the
    usage that stands in a gateway's log, too; ``staged_ids``: (kind, the company's id) → the id in
    the warehouse; ``teams``: the team of each key; ``secrets``: variable → credential."""

    company: Company
    servers: dict[str, Vendor]
    left: Company
    gateway: list[Usage]
    staged_ids: dict[tuple[str, str], str]
    teams: dict[str, str]
    projects: dict[str, str]
    secrets: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def serving(self, folder: Path) -> Iterator[dict[str, Any]]:
        """Writes feeds and the gateway's log into ``folder``, starts the servers and gives the
        ``systems`` of a configuration that reads all of it; ends the servers."""
        feeds.write(self.left, folder / "feeds")
        self._write_log(folder / "gateway" / "requests.jsonl")
        with ExitStack() as stack:
            for server in self.servers.values():
                stack.enter_context(server)
            yield self._systems()

    def _write_log(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as log:
            for row in self.gateway:
                line = {
                    GATEWAY_COLUMNS[name]: getattr(row, given)
                    for name, given in USAGE_FIELDS.items()
                }
                line["longest"] = LONG_PROMPT if row.context_window == LONG_WINDOW else 0
                line["requests"] = row.request_count or 1
                line["time"] = row.occurred_at.strftime("%Y-%m-%dT%H:%M:%SZ")
                log.write(json.dumps({k: v for k, v in line.items() if v is not None}) + "\n")

    def _systems(self) -> dict[str, Any]:
        addresses = {name: server.url for name, server in self.servers.items()}
        shared = {"since": self.company.starts_on.isoformat(), "first_pause_seconds": 0.05}
        own: dict[str, dict[str, Any]] = {
            "github": {"organization": "example", "token": "${GITHUB_TOKEN}"},
            "jira": {
                "email": "reader@example.com",
                "token": "${JIRA_TOKEN}",
                "teams": self.projects,
                "team_field": TEAM,
                "escaped_defect": {"field": "Found in production", "values": ["Yes"]},
                "work_type": {"field": "Work type"},
            },
            "pagerduty": {
                "token": "${PAGERDUTY_TOKEN}",
                "custom_fields": dict(
                    zip(("opened_at", "caused_by_deployment_id"), FIELDS, strict=True)
                ),
            },
            "anthropic": {"admin_key": "${ANTHROPIC_ADMIN_KEY}", "teams": self.teams},
            "openai": {"admin_key": "${OPENAI_ADMIN_KEY}", "teams": self.teams},
            "copilot": {
                "organization": "example",
                "token": "${GITHUB_TOKEN}",
                "monthly_prices": {"business": 19, "enterprise": 39},
            },
        }
        systems: dict[str, Any] = {"files": {"folder": "feeds"}}
        for name, given in own.items():
            suffix = "/v1" if name == "openai" else ""
            systems[name] = {"base_url": addresses[name] + suffix, **shared, **given}
        source = {"name": "gateway", "path": "gateway/*.jsonl", "columns": GATEWAY_COLUMNS}
        key = {"vendor": "anthropic", "api_key_id": GATEWAY_KEY}
        systems["usage_logs"] = {"sources": [source], "vendor_api_keys": [key]}
        return systems


def portfolio(company: Company, *, faults: dict[str, Faults] | None = None) -> Portfolio:
    """A company's records, each at the vendor that would have it. ``faults``: by system."""
    trouble = faults or {}
    now = company.as_of
    of_keys = [u for u in company.ai_usage if u.vendor == "anthropic" and u.person is None]
    gateway = [u for u in company.ai_usage if u.vendor == "anthropic" and u.person is not None]
    through_gateway = [
        dataclasses.replace(u, person=None, api_key_id=GATEWAY_KEY, team_id=None) for u in gateway
    ]
    deployments: dict[str, str] = {}  # filled when GitHub has numbered them
    pagerduty = PagerDuty(
        company.incidents, company.services, now,
        deployments=deployments, faults=trouble.get("pagerduty"),
    )  # fmt: skip
    jira = Jira(company.issues, now, faults=trouble.get("jira"))
    github = Github(_at_github(company, pagerduty, jira), faults=trouble.get("github"))
    for (kind, own), staged in github.staged_ids.items():
        if kind == "deployment":
            deployments[own] = staged
    staged_ids = {**github.staged_ids, **pagerduty.staged_ids, **jira.staged_ids}
    reported = [a for a in company.ai_activity if _is_reported(a.activity_date, company)]
    anthropic = Anthropic(
        of_keys + through_gateway,
        [c for c in company.ai_costs if c.vendor == "anthropic"],
        [a for a in company.ai_activity if a.vendor == "anthropic"],
        now,
        faults=trouble.get("anthropic"),
    )
    openai = OpenAI(
        [u for u in company.ai_usage if u.vendor == "openai"],
        [c for c in company.ai_costs if c.vendor == "openai"],
        now,
        faults=trouble.get("openai"),
    )
    servers: dict[str, Vendor] = {
        "github": github,
        "jira": jira,
        "pagerduty": pagerduty,
        "anthropic": anthropic,
        "openai": openai,
        "copilot": Copilot(
            [a for a in reported if a.vendor == "github"],
            [s for s in company.seats if s.vendor == "github" and s.unassigned_on is None],
            [c for c in company.ai_costs if c.vendor == "github"],
            now, token=github.token, fewest_people=0, faults=trouble.get("copilot"),
        ),
    }  # fmt: skip
    return Portfolio(
        company,
        servers,
        _left(company, staged_ids),
        gateway,
        staged_ids,
        _teams_of_keys(company),
        {key: team for key, team in jira.team_of_project.items() if team},
        {
            "GITHUB_TOKEN": github.token,
            "JIRA_TOKEN": "jira-token",
            "PAGERDUTY_TOKEN": pagerduty.token,
            "ANTHROPIC_ADMIN_KEY": anthropic.admin_key,
            "OPENAI_ADMIN_KEY": openai.admin_key,
        },
    )


def completed(company: Company) -> Company:
    """The company with what its vendors always know and a feed may lack: every pull request's
    size, every review's number of comments (METRICS.md: a bare `commented` is one), when an
    incident was noticed. And without what they have no place for: the kind of work of a pull
    request is one of its labels."""
    pull_requests = [
        dataclasses.replace(
            p,
            additions=p.additions or 0,
            deletions=p.deletions or 0,
            changed_files=p.changed_files or 0,
            test_files_changed=p.test_files_changed or 0,
            labels=tuple(dict.fromkeys((*p.labels, *filter(None, [p.work_type])))),
            work_type=None,
        )
        for p in company.pull_requests
    ]
    reviews = [
        dataclasses.replace(r, comment_count=int(r.state == "commented"))
        if r.comment_count is None
        else r
        for r in company.reviews
    ]
    incidents = [
        dataclasses.replace(i, detected_at=i.detected_at or i.opened_at) if i.service_id else i
        for i in company.incidents
    ]
    return dataclasses.replace(
        company, pull_requests=pull_requests, reviews=reviews, incidents=incidents
    )


def _at_github(company: Company, pagerduty: PagerDuty, jira: Jira) -> Company:
    """The company as GitHub knows it: its pull requests name every issue they do, and its
    deployments the incident they mend, by the ids of those who keep them."""
    keys: dict[str, list[str]] = {}
    for issue in company.issues:
        for pull_request in issue.pull_request_ids:
            keys.setdefault(pull_request, []).append(jira.issue_keys[issue.issue_id])
    pull_requests = [
        dataclasses.replace(p, title=f"{p.title} ({', '.join(keys[p.pull_request_id])})")
        if p.pull_request_id in keys
        else p
        for p in company.pull_requests
    ]
    deployments = [
        dataclasses.replace(
            d,
            remediates_incident_id=pagerduty.staged_ids.get(
                ("incident", d.remediates_incident_id), f"files:{d.remediates_incident_id}"
            ),
        )
        if d.remediates_incident_id
        else d
        for d in company.deployments
    ]
    return dataclasses.replace(company, pull_requests=pull_requests, deployments=deployments)


def _left(company: Company, staged_ids: dict[tuple[str, str], str]) -> Company:
    """What no server has, pointing at what one has by the id that it has there."""
    links = [
        dataclasses.replace(c, deployment_id=staged_ids["deployment", c.deployment_id])
        for c in company.deployment_commits
    ]
    incidents = [
        dataclasses.replace(
            i,
            caused_by_deployment_id=i.caused_by_deployment_id
            and staged_ids["deployment", i.caused_by_deployment_id],
        )
        for i in company.incidents
        if not i.service_id
    ]
    activity = [
        a
        for a in company.ai_activity
        if a.vendor != "anthropic"
        and not (a.vendor == "github" and _is_reported(a.activity_date, company))
    ]
    at_vendors = ("anthropic", "openai", "github")
    return dataclasses.replace(
        company,
        commits=[],
        pull_requests=[],
        pull_request_commits=[],
        reviews=[],
        deployments=[],
        deployment_commits=links,
        incidents=incidents,
        issues=[],
        ci_runs=[],
        ai_usage=[u for u in company.ai_usage if u.vendor not in ("anthropic", "openai")],
        ai_activity=activity,
        ai_costs=[c for c in company.ai_costs if c.vendor not in at_vendors],
        seats=[s for s in company.seats if s.vendor != "github" or s.unassigned_on is not None],
    )


def _is_reported(day: date, company: Company) -> bool:
    return day >= max(FIRST_REPORT, (company.as_of - REPORTS_KEPT).date())


def _teams_of_keys(company: Company) -> dict[str, str]:
    return {u.api_key_id: u.team_id for u in company.ai_usage if u.api_key_id and u.team_id}
