"""Who is who in a company: teams and departments, services, people behind handles, bots.

Written from METRICS.md and contract.md, and sharing nothing with the models.
"""

import csv
import fnmatch
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from orchestration.simulation.records import Company, Issue, Membership, Service

SEEDS = Path(__file__).resolve().parents[3] / "seeds"
UNATTRIBUTED = "unattributed"
ORGANIZATION = "organization"

Row = dict[str, object]


@dataclass(frozen=True)
class Policy:
    """The judgements that METRICS.md names, with the defaults it gives."""

    production_environments: tuple[str, ...] = ("prod", "production", "live")
    failure_window_hours: int = 24
    hotfix_labels: tuple[str, ...] = ("hotfix",)
    large_pull_request_lines: int = 400
    stalled_pull_request_days: int = 7
    rubber_stamp_minutes_per_100_lines: int = 10
    bots: tuple[str, ...] = ()
    fiscal_year_start_month: int = 1
    minimum_group_size: int = 5
    small_sample_size: int = 20
    rework_window_days: int = 21
    active_days_per_month: int = 4
    adoption_share: float = 0.5
    benchmark_industry: str = "all"
    reconciliation_tolerance_usd: Decimal = Decimal(1)
    reconciliation_tolerance_share: Decimal = Decimal("0.01")


@dataclass(frozen=True)
class Scope:
    """Whose figures a row of a period table shows."""

    scope_type: str
    scope_id: str
    scope_name: str


class Directory:
    """The company's people, teams and services, as ``as_of`` sees them."""

    def __init__(self, company: Company, policy: Policy) -> None:
        self.as_of = company.as_of
        self._team_names = {team.team_id: team.team_name for team in company.teams}
        self._team_names[UNATTRIBUTED] = "Unattributed"
        self._parents = {team.team_id: team.parent_team_id for team in company.teams}
        self._departments = {team_id: self._top_of(team_id) for team_id in self._team_names}
        self._cost_centers = {team.team_id: team.cost_center for team in company.teams}
        self.services = self._named_services(company)
        self._services_of: dict[str, list[str]] = {}
        for service in self.services.values():
            if service.repository is not None:
                self._services_of.setdefault(service.repository, []).append(service.service_id)
        self._people = {
            _handle_key(row.handle, row.system.casefold()): _handle_key(row.person, "files")
            for row in company.identities
        }
        self._memberships: dict[str, list[Membership]] = {}
        for membership in company.team_memberships:
            person = self.person(membership.person)
            if person is not None and membership.team_id in self._parents:
                self._memberships.setdefault(person, []).append(membership)
        self._mixes: dict[tuple[str, date], tuple[tuple[str, Decimal], ...]] = {}
        self._bot_patterns = [*_seeded_bots(), *(pattern.casefold() for pattern in policy.bots)]
        self._bots: dict[str, bool] = {}

    # Teams

    @property
    def team_ids(self) -> list[str]:
        """All teams and ``unattributed``, in order."""
        return sorted(self._team_names)

    @property
    def department_ids(self) -> list[str]:
        """Teams with nothing above them, in order."""
        return sorted({self.department_of(team_id) for team_id in self._team_names})

    def team_name(self, team_id: str) -> str:
        """What the team is called."""
        return self._team_names[team_id]

    def known_team(self, team_id: str | None) -> str | None:
        """The team, if there is such a one."""
        return team_id if team_id in self._parents else None

    def parent_of(self, team_id: str) -> str | None:
        """The team above; None at the top, or where what is named is unknown."""
        return self.known_team(self._parents.get(team_id))

    def department_of(self, team_id: str) -> str:
        """The top-most team above; the team itself where none is."""
        return self._departments[team_id]

    def _top_of(self, team_id: str) -> str:
        parent = self.parent_of(team_id)
        return team_id if parent is None else self._top_of(parent)

    def cost_center_of(self, team_id: str) -> str | None:
        """The team's own cost centre."""
        return self._cost_centers.get(team_id)

    # Services

    def _named_services(self, company: Company) -> dict[str, Service]:
        """Every service that a feed, a deployment or an incident names."""
        services = {service.service_id: service for service in company.services}
        named = [deployment.service_id for deployment in company.deployments]
        named += [incident.service_id for incident in company.incidents if incident.service_id]
        for service_id in named:
            services.setdefault(service_id, Service(service_id))
        return dict(sorted(services.items()))

    def service_name(self, service_id: str) -> str:
        """What the service is called; its id where nobody says."""
        return self.services[service_id].service_name or service_id

    def team_of_service(self, service_id: str | None) -> str:
        """The team that owns it, else ``unattributed``."""
        service = self.services.get(service_id or "")
        return (self.known_team(service.team_id) if service else None) or UNATTRIBUTED

    def services_of_repository(self, repository: str) -> list[str]:
        """The services built from it."""
        return self._services_of.get(repository, [])

    def team_and_service(self, repository: str) -> tuple[str, str | None]:
        """The repository's service and that service's team, if exactly one has it."""
        services = self.services_of_repository(repository)
        service_id = services[0] if len(services) == 1 else None
        return self.team_of_service(service_id), service_id

    def team_of_issue(self, issue: Issue) -> str:
        """Its own team if that is known, else its service's, else ``unattributed``."""
        return self.known_team(issue.team_id) or self.team_of_service(issue.service_id)

    # People

    def person(self, handle: str | None) -> str | None:
        """Who is behind a handle; None if it is empty. Not yet whether it is a person: a bot
        has a handle, too."""
        if handle is None or not handle.strip():
            return None
        key = _handle_key(handle, "files")
        return self._people.get(key, key)

    def is_bot(self, handle: str | None) -> bool:
        """Whether the handle is on the bot list."""
        name = (handle or "").strip().casefold()
        if name not in self._bots:
            self._bots[name] = any(_matches(name, pattern) for pattern in self._bot_patterns)
        return self._bots[name]

    def mix_on(self, person: str | None, day: date) -> tuple[tuple[str, Decimal], ...]:
        """The person's teams on a day with their shares, the primary one last.

        Primary is the largest share; of equal ones, the first id. An empty share is a whole one.
        """
        if person is None:
            return ()
        if (person, day) not in self._mixes:
            found = [
                (m.team_id, Decimal(1) if m.share is None else m.share)
                for m in self._memberships.get(person, [])
                if m.valid_from <= day and (m.valid_to is None or day < m.valid_to)
            ]
            found.sort()
            primary = min(found, key=lambda part: (-part[1], part[0]), default=None)
            others = [part for part in found if part != primary]
            self._mixes[person, day] = (*others, primary) if primary else ()
        return self._mixes[person, day]

    def team_on(self, person: str | None, day: date) -> str | None:
        """The person's primary team on a day; None where there is none."""
        mix = self.mix_on(person, day)
        return mix[-1][0] if mix else None

    @property
    def people(self) -> list[str]:
        """Everybody who was ever in a team."""
        return list(self._memberships)

    # Scopes

    def scopes(self) -> list[Scope]:
        """Every scope that has rows in the dora and quality tables."""
        return [
            Scope(ORGANIZATION, ORGANIZATION, "Organization"),
            *(Scope("department", d, self.team_name(d)) for d in self.department_ids),
            *(Scope("team", t, self.team_name(t)) for t in self.team_ids),
            *(Scope("service", s, self.service_name(s)) for s in self.services),
        ]

    def scopes_of(self, team_id: str, service_id: str | None) -> list[tuple[str, str]]:
        """The scopes that count something of this team and service."""
        found = [
            (ORGANIZATION, ORGANIZATION),
            ("department", self.department_of(team_id)),
            ("team", team_id),
        ]
        if service_id in self.services:
            found.append(("service", service_id))
        return found

    # Tables

    def dim_teams(self) -> list[Row]:
        """``core.dim_teams``."""
        return [
            {
                "team_id": team_id,
                "parent_team_id": self.parent_of(team_id),
                "department_id": self.department_of(team_id),
                "team_name": self.team_name(team_id),
                "department_name": self.team_name(self.department_of(team_id)),
                "cost_center": self.cost_center_of(team_id),
            }
            for team_id in self.team_ids
        ]

    def dim_services(self) -> list[Row]:
        """``core.dim_services``."""
        return [
            {
                "service_id": service.service_id,
                "team_id": self.team_of_service(service.service_id),
                "service_name": self.service_name(service.service_id),
                "repository": service.repository,
            }
            for service in self.services.values()
        ]


def published_id(record_id: str) -> str:
    """A feed's id as the tables show it."""
    return f"files:{record_id}"


def feed_id(reference: str | None) -> str | None:
    """The feeds' own id that a record names, with or without their prefix."""
    return reference.removeprefix("files:") if reference else None


def is_seen(moment: datetime | None, as_of: datetime) -> bool:
    """Whether it is known and has happened."""
    return moment is not None and moment < as_of


def _handle_key(handle: str, system: str) -> str:
    """An address is the same person everywhere; any other handle belongs to its system."""
    name = handle.strip().casefold()
    return name if "@" in name else f"{system}:{name}"


def _seeded_bots() -> list[str]:
    with (SEEDS / "bots.csv").open(newline="", encoding="utf-8") as lines:
        return [row["handle_pattern"].casefold() for row in csv.DictReader(lines)]


def _matches(name: str, pattern: str) -> bool:
    # Only the star means something: `[bot]` is text.
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))
