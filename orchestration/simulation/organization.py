"""Who works where: departments, teams, people and services over time, and how AI spreads.

What a team's months are like (``Planted.factors``) is decided here, before anybody works: its own
level, luck that lasts a while, the season, and whatever the world's levers do to it.
"""

import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import exp

from orchestration.simulation.records import (
    Company,
    Handle,
    Initiative,
    Membership,
    Service,
    Team,
)
from orchestration.simulation.worlds import OUTCOMES, World, month_after

LEAF_TEAMS_PER_DEPARTMENT = 8
DOMAINS = (
    "payments", "search", "identity", "billing", "catalog", "logistics", "messaging", "mobile",
    "platform", "data", "risk", "growth", "support", "pricing", "media", "partners",
)  # fmt: skip
SERVICE_NAMES = ("api", "worker", "web", "sync", "gateway", "jobs")
UNRELATED = (
    ("reorganization", "New reporting lines"),
    ("hiring", "A hiring push"),
    ("training", "A week of training"),
    ("tooling", "A new build server"),
)


@dataclass(frozen=True)
class Country:
    """A country's standard time (no daylight saving) and its holidays of a fixed day."""

    utc_offset_hours: int
    holidays: tuple[tuple[int, int], ...]  # (month, day)
    weight: int

    def works_on(self, day: date) -> bool:
        """Neither a weekend nor a holiday."""
        return day.weekday() < 5 and (day.month, day.day) not in self.holidays


NEW_YEAR, LABOUR_DAY, CHRISTMAS = (1, 1), (5, 1), (12, 25)
COUNTRIES = (
    Country(-8, (NEW_YEAR, (7, 4), (11, 11), CHRISTMAS), 3),
    Country(-5, (NEW_YEAR, (7, 4), (11, 11), CHRISTMAS), 3),
    Country(-3, (NEW_YEAR, (4, 21), LABOUR_DAY, (9, 7), CHRISTMAS), 1),
    Country(0, (NEW_YEAR, CHRISTMAS, (12, 26)), 3),
    Country(1, (NEW_YEAR, LABOUR_DAY, (10, 3), CHRISTMAS, (12, 26)), 4),
    Country(8, (NEW_YEAR, LABOUR_DAY, (8, 9), CHRISTMAS), 1),
    Country(9, (NEW_YEAR, (2, 11), (4, 29), (5, 3), (5, 4), (5, 5), (11, 3), (11, 23)), 1),
)

OPENS, HOURS_A_DAY = 9, 8  # local time, hours of work
DAYS_AHEAD = 400  # working time known after the end, for what is still under way then

SIZES = {3: 14, 4: 24, 5: 24, 6: 16, 7: 10, 8: 7, 9: 5}  # people: weight; mean 5.3
LARGEST, SMALLEST = 9, 3
LEAVES, MOVES, HELPS_OUT, STOPS_HELPING, HIRED = 0.008, 0.008, 0.004, 0.08, 0.6  # a month
PRIMARY_SHARE, SECOND_SHARE = Decimal("0.7"), Decimal("0.3")
TEAMS_PER_EVENT = 40  # for each 40 teams, one is split, one merged and one founded
SMALLEST_COMPANY_WITH_EVENTS = 4  # teams
WITH_A_SECOND_HANDLE = 0.3
MONOREPOS = 0.15  # share of teams with two services in one repository
UNRELATED_PER_TEAMS = 15

# How much a month's trouble weighs on each outcome (log per log), and how it comes about.
TROUBLE = {
    "throughput": -0.5, "coding_time": 0.5, "review_time": 1.0, "size": 0.0,
    "defects": 1.5, "rework": 1.5, "incidents": 2.0, "recovery_time": 1.0,
}  # fmt: skip
TROUBLE_SPREAD, TROUBLE_LASTS = 0.15, 0.5  # standard deviation of logs; correlation of neighbours
OWN_NOISE, COMMON_NOISE, LEVEL_SPREAD = 0.08, 0.04, 0.25  # standard deviations of logs
THROUGHPUT_SPREAD = 0.35
SEASON = {8: {"throughput": 0.85, "review_time": 1.1}, 12: {"throughput": 0.75, "review_time": 1.2}}
TRENDING = ("coding_time", "review_time")  # what a prior trend acts on

FIRST_SHARES = (0.7, 0.9)  # of the ceiling, in the month of adoption and the next
CURIOUS = 0.08  # share of people who try AI before their team does


class WorkingTime:
    """A country's working hours strung together: a position is hours of work since the start."""

    def __init__(self, country: Country, since: date, days: int) -> None:
        opening = timedelta(hours=OPENS - country.utc_offset_hours)
        candidates = [since + timedelta(days=number) for number in range(days)]
        self.days = [day for day in candidates if country.works_on(day)]
        self._openings = [datetime.combine(day, time()) + opening for day in self.days]
        self._last = len(self.days) - 1

    def moment(self, position: float) -> datetime:
        """The moment (UTC, whole seconds) at which so many hours have been worked."""
        day = min(int(position / HOURS_A_DAY), self._last)
        return self._openings[day] + timedelta(0, int((position - day * HOURS_A_DAY) * 3600))

    def position(self, moment: datetime) -> float:
        """How many hours have been worked by a moment (UTC)."""
        day = bisect_right(self._openings, moment) - 1
        if day < 0:
            return 0.0
        hours = (moment - self._openings[day]).total_seconds() / 3600
        return day * HOURS_A_DAY + min(hours, HOURS_A_DAY)

    def first_position(self, day: date) -> float:
        """Where the first working day on or after the day begins."""
        return bisect_left(self.days, day) * HOURS_A_DAY


@dataclass
class TeamHistory:
    """A leaf team: when it was there (months from the start, ``closed`` exclusive) and whom it
    came from."""

    team_id: str
    department_id: str
    country: Country
    target_size: int
    founded: int
    closed: int
    origin: str | None = None
    merged_into: str | None = None
    people: list[str] = field(default_factory=list)


@dataclass
class Ownership:
    """A service in a team's hands; days, ``until`` exclusive."""

    service_id: str
    team_id: str
    since: date
    until: date


@dataclass
class Organization:
    """The company's people and teams, and questions the other parts ask about them."""

    world: World
    seed: int
    company: Company
    months: list[date]
    histories: dict[str, TeamHistory] = field(default_factory=dict)
    ownerships: dict[str, list[Ownership]] = field(default_factory=dict)
    rosters: dict[str, tuple[list[date], list[list[str]]]] = field(default_factory=dict)
    handles: dict[str, str] = field(default_factory=dict)
    cost_centers: dict[str, str] = field(default_factory=dict)
    eagerness: dict[str, float] = field(default_factory=dict)
    working_times: dict[Country, WorkingTime] = field(default_factory=dict)

    def random(self, part: str, *key: object) -> random.Random:
        """A stream of its own per part and key: turning a lever reshuffles nothing else."""
        return random.Random(f"{self.seed}|{part}|{'|'.join(map(str, key))}")  # noqa: S311

    def month_number(self, day: date) -> int:
        """Whole months from the company's start to the day's."""
        start = self.months[0]
        return (day.year - start.year) * 12 + day.month - start.month

    def teams_on(self, day: date) -> list[str]:
        """The leaf teams that exist that day."""
        month = self.month_number(day)
        return [
            team.team_id for team in self.histories.values() if team.founded <= month < team.closed
        ]

    def people_of(self, team_id: str, day: date) -> list[str]:
        """Addresses of those whose primary team it is that day (departments too)."""
        days, rosters = self.rosters.get(team_id, ([], []))
        return rosters[at - 1] if (at := bisect_right(days, day)) else []

    def services_of(self, team_id: str, day: date) -> list[str]:
        """The services that the team owns that day."""
        return [
            ownership.service_id
            for ownership in self.ownerships.get(team_id, [])
            if ownership.since <= day < ownership.until
        ]

    def is_working_day(self, team_id: str, day: date) -> bool:
        """Neither a weekend nor a holiday of the team's country."""
        return self.histories[team_id].country.works_on(day)

    def working_time(self, team_id: str) -> WorkingTime:
        """The team's working hours, from the company's first day to well after its last."""
        country = self.histories[team_id].country
        if country not in self.working_times:
            days = 31 * len(self.months) + DAYS_AHEAD
            self.working_times[country] = WorkingTime(country, self.months[0], days)
        return self.working_times[country]

    def cost_center_of(self, team_id: str) -> str:
        """The team's own cost centre, else its department's."""
        return self.cost_centers[team_id]

    def commit_author(self, person: str) -> str:
        """The address that the person's commits carry."""
        return self.handles.get(person, person)

    def ai_users(self, team_id: str, month: date) -> list[str]:
        """Who, of the people of the month's first day, uses AI in it: before the team adopts a
        few curious ones, from then on the most eager, up to the ceiling's share."""
        people = self.people_of(team_id, month)
        adopted_in = self.company.planted.adopted_in.get(team_id)
        eager = sorted(people, key=lambda person: (self.eagerness[person], person))
        if adopted_in is None or month < adopted_in:
            curious = [person for person in eager if self.eagerness[person] < CURIOUS]
            return curious[: (len(people) - 1) // 3]
        age = self.month_number(month) - self.month_number(adopted_in)
        share = FIRST_SHARES[age] if age < len(FIRST_SHARES) else 1.0
        return eager[: round(self.world.adoption.ceiling * share * len(people))]


def found(world: World, seed: int) -> Organization:
    """The company with its people, teams, services and initiatives, and what is planted."""
    months = [month_after(world.starts_on, number) for number in range(world.months)]
    as_of = datetime.combine(month_after(world.starts_on, world.months), time())
    company = Company(world.name, seed, world.starts_on, as_of)
    organization = Organization(world, seed, company, months)
    _found_departments(organization)
    _found_teams(organization)
    _People(organization).live()
    _build_services(organization)
    _adopt(organization)
    _plant_factors(organization)
    _log_initiatives(organization)
    return organization


def _found_departments(organization: Organization) -> None:
    count = -(-organization.world.teams // LEAF_TEAMS_PER_DEPARTMENT)
    for number in range(count):
        round_number, domain = divmod(number, len(DOMAINS))
        department_id = DOMAINS[domain] + (str(round_number + 1) if round_number else "")
        cost_center = f"CC-{(number + 1) * 100}"
        organization.company.teams.append(
            Team(department_id, department_id.capitalize(), None, cost_center)
        )
        organization.cost_centers[department_id] = cost_center


def _found_teams(organization: Organization) -> None:
    """The teams of the beginning, department by department in turn."""
    departments = [team.team_id for team in organization.company.teams]
    for number in range(organization.world.teams):
        _found_team(organization, departments[number % len(departments)], 0)


def _found_team(
    organization: Organization, department_id: str, founded: int, origin: TeamHistory | None = None
) -> TeamHistory:
    company, histories = organization.company, organization.histories
    number = 1 + sum(team.department_id == department_id for team in histories.values())
    team_id = f"{department_id}-{number}"
    draw = organization.random("team", team_id)
    country = draw.choices(COUNTRIES, [country.weight for country in COUNTRIES])[0]
    size = draw.choices(list(SIZES), list(SIZES.values()))[0]
    history = TeamHistory(
        team_id, department_id, origin.country if origin else country, size,
        founded, organization.world.months, origin.team_id if origin else None,
    )  # fmt: skip
    histories[team_id] = history
    # In every other department each team has a cost centre of its own.
    department = next(team for team in company.teams if team.team_id == department_id)
    place = int(str(department.cost_center).removeprefix("CC-"))
    cost_center = f"CC-{place + number}" if place // 100 % 2 else None
    name = f"{department.team_name} {number}"
    company.teams.append(Team(team_id, name, department_id, cost_center))
    organization.cost_centers[team_id] = cost_center or str(department.cost_center)
    return history


class _People:
    """People join, leave, move and help out; teams are split, merged and founded."""

    def __init__(self, organization: Organization) -> None:
        self._organization = organization
        self._draw = organization.random("people")
        self._primary: dict[str, Membership] = {}
        self._second: dict[str, Membership] = {}
        self._count = 0

    def live(self) -> None:
        """Month by month, on the first or the sixteenth."""
        organization = self._organization
        start = organization.months[0]
        for department in [t for t in organization.company.teams if t.parent_team_id is None]:
            self._enter(self._newcomer(), department.team_id, start)  # its head
        for history in organization.histories.values():
            self._hire(history, start, history.target_size)
        events = self._events()
        for number, month in enumerate(organization.months[1:], start=1):
            if number in events:
                events[number](number, month)
            for team_id in organization.teams_on(month):
                self._change(organization.histories[team_id], month)
        self._settle()

    def _events(self) -> dict[int, Callable[[int, date], None]]:
        """In which months a team is split, merged into another or founded; one thing a month."""
        world = self._organization.world
        if world.teams < SMALLEST_COMPANY_WITH_EVENTS:
            return {}
        kinds = (self._merge, self._split, self._found) * -(-world.teams // TEAMS_PER_EVENT)
        months = range(1, world.months)
        draw = self._organization.random("events")
        return dict(zip(draw.sample(months, min(len(kinds), len(months))), kinds, strict=False))

    def _split(self, number: int, month: date) -> None:
        team = max(self._living(month), key=lambda team: (len(team.people), team.team_id))
        if len(team.people) < 2 * SMALLEST:
            return
        child = _found_team(self._organization, team.department_id, number, team)
        for person in self._draw.sample(team.people, len(team.people) // 2):
            self._move(person, team, child, month)
        team.target_size = child.target_size = len(team.people)

    def _merge(self, number: int, month: date) -> None:
        smallest = sorted(self._living(month), key=lambda team: (len(team.people), team.team_id))
        closing, into = smallest[:2]
        for person in list(closing.people):
            self._move(person, closing, into, month)
        for person, second in list(self._second.items()):
            if second.team_id == closing.team_id:
                self._stop_helping(person, month)
        closing.closed, closing.merged_into = number, into.team_id
        into.target_size = len(into.people)

    def _found(self, number: int, month: date) -> None:
        departments = [t for t in self._organization.company.teams if t.parent_team_id is None]
        department = self._draw.choice(departments)
        team = _found_team(self._organization, department.team_id, number)
        self._hire(team, month, team.target_size)

    def _living(self, day: date) -> list[TeamHistory]:
        organization = self._organization
        return [organization.histories[team_id] for team_id in organization.teams_on(day)]

    def _change(self, team: TeamHistory, month: date) -> None:
        """A month of a team: most of the time nothing happens."""
        draw = self._draw
        day = month.replace(day=draw.choice((1, 1, 1, 16)))
        for person in list(team.people):
            luck = draw.random()
            if self._primary[person].valid_from >= day:
                continue
            if person in self._second:
                if luck < STOPS_HELPING:
                    self._stop_helping(person, day)
            elif luck < LEAVES and len(team.people) > SMALLEST:
                self._leave(person, day)
                team.people.remove(person)
            elif luck < LEAVES + MOVES and len(team.people) > SMALLEST:
                target = draw.choice(self._living(month))
                if target is not team and len(target.people) < LARGEST:
                    self._move(person, team, target, day)
                    team.target_size -= 1
                    target.target_size += 1
            elif luck < LEAVES + MOVES + HELPS_OUT:
                self._help_out(person, team, day)
        if len(team.people) < team.target_size and draw.random() < HIRED:
            self._hire(team, day, 1)

    def _newcomer(self) -> str:
        self._count += 1
        return f"person-{self._count:04}@example.com"

    def _enter(
        self, person: str, team_id: str, day: date, share: Decimal | None = None
    ) -> Membership:
        membership = Membership(person, team_id, day, None, share)
        self._organization.company.team_memberships.append(membership)
        if share != SECOND_SHARE:
            self._primary[person] = membership
        return membership

    def _hire(self, team: TeamHistory, day: date, count: int) -> None:
        for _ in range(count):
            person = self._newcomer()
            self._enter(person, team.team_id, day)
            team.people.append(person)

    def _leave(self, person: str, day: date) -> None:
        self._primary[person].valid_to = day
        if person in self._second:
            self._second.pop(person).valid_to = day

    def _move(self, person: str, team: TeamHistory, target: TeamHistory, day: date) -> None:
        self._leave(person, day)
        team.people.remove(person)
        self._enter(person, target.team_id, day)
        target.people.append(person)

    def _help_out(self, person: str, team: TeamHistory, day: date) -> None:
        sisters = [
            sister
            for sister in self._living(day)
            if sister.department_id == team.department_id and sister is not team
        ]
        if sisters:
            self._leave(person, day)
            self._enter(person, team.team_id, day, PRIMARY_SHARE)
            sister = self._draw.choice(sisters)
            self._second[person] = self._enter(person, sister.team_id, day, SECOND_SHARE)

    def _stop_helping(self, person: str, day: date) -> None:
        team_id = self._primary[person].team_id
        self._leave(person, day)
        self._enter(person, team_id, day)

    def _settle(self) -> None:
        """Rosters to look people up in, handles, and how eager each is to use AI."""
        organization = self._organization
        company = organization.company
        company.team_memberships = [
            m for m in company.team_memberships if m.valid_to != m.valid_from
        ]
        by_team: dict[str, list[Membership]] = {}
        for membership in company.team_memberships:
            if membership.share != SECOND_SHARE:
                by_team.setdefault(membership.team_id, []).append(membership)
        for team_id, memberships in by_team.items():
            organization.rosters[team_id] = _roster(memberships)
        for person in self._primary:
            draw = organization.random("person", person)
            organization.eagerness[person] = draw.random()
            if draw.random() < WITH_A_SECOND_HANDLE:
                number = person.removeprefix("person-").removesuffix("@example.com")
                handle = f"p{number}@users.example.com"
                organization.handles[person] = handle
                company.identities.append(Handle("git", handle, person))


def _roster(memberships: list[Membership]) -> tuple[list[date], list[list[str]]]:
    """The days on which the people change, and who is there from each."""
    ends = {m.valid_to for m in memberships if m.valid_to}
    days = sorted({m.valid_from for m in memberships} | ends)
    people = [
        sorted(
            m.person
            for m in memberships
            if m.valid_from <= day and (m.valid_to is None or day < m.valid_to)
        )
        for day in days
    ]
    return days, people


def _build_services(organization: Organization) -> None:
    """One to three a team; they go where their team goes. Some teams keep two in one repository."""
    end = organization.company.as_of.date()
    for team in organization.histories.values():
        draw = organization.random("services", team.team_id)
        count = draw.choices((1, 2, 3), (45, 40, 15))[0]
        shares_repository = draw.random() < MONOREPOS
        for number, name in enumerate(draw.sample(SERVICE_NAMES, count)):
            service_id = f"{team.team_id}-{name}"
            repository = f"example/{service_id}"
            if shares_repository and number == 1:
                repository = str(organization.company.services[-1].repository)
            owner = _own(organization, service_id, team, end)
            organization.company.services.append(
                Service(service_id, service_id.replace("-", " "), owner, repository)
            )


def _own(organization: Organization, service_id: str, team: TeamHistory, end: date) -> str:
    """Hand the service on from team to team as they are merged; the owner at the end."""
    months = [*organization.months, end]
    since = months[team.founded]
    while True:
        until = months[team.closed]
        owned = organization.ownerships.setdefault(team.team_id, [])
        owned.append(Ownership(service_id, team.team_id, since, until))
        if team.merged_into is None:
            return team.team_id
        team, since = organization.histories[team.merged_into], until


def _adopt(organization: Organization) -> None:
    """Which teams take AI up, and when. A team split off goes on as its origin did."""
    world, histories = organization.world, organization.histories
    adoption, planted = world.adoption, organization.company.planted
    draws = {team_id: organization.random("adoption", team_id) for team_id in histories}
    ranks = {team_id: draw.random() for team_id, draw in draws.items()}
    by_rank = sorted(histories, key=lambda team_id: (ranks[team_id], team_id))
    chosen = set(by_rank[: round(adoption.share_of_teams * len(by_rank))])
    last = min(adoption.last_month, world.months - 1)
    first = min(max(adoption.first_month, 1), last)
    months: dict[str, int] = {}
    for team_id, team in histories.items():
        if team.origin:
            if team.origin in months:
                months[team_id] = max(months[team.origin], team.founded)
        elif team_id in chosen:
            month = draws[team_id].randint(first, last)
            if adoption.who == "after_a_bad_month":
                trouble = _trouble(organization, team_id)
                month = max(range(first, last + 1), key=lambda month: trouble[month - 1])
            months[team_id] = max(month, team.founded)
    for team_id, month in months.items():
        if month < histories[team_id].closed:
            planted.adopted_in[team_id] = organization.months[month]


def _trouble(organization: Organization, team_id: str) -> list[float]:
    """The log of each month's trouble: chance, and half of it stays for the next month."""
    draw = organization.random("trouble", team_id)
    spread = TROUBLE_SPREAD * (1 - TROUBLE_LASTS**2) ** 0.5
    trouble = [draw.gauss(0, TROUBLE_SPREAD)]
    for _ in organization.months[1:]:
        trouble.append(TROUBLE_LASTS * trouble[-1] + draw.gauss(0, spread))
    return trouble


def _plant_factors(organization: Organization) -> None:
    planted = organization.company.planted
    common = _common_noise(organization)
    for team in organization.histories.values():
        levels = _levels(organization, team.origin or team.team_id)
        trouble = _trouble(organization, team.team_id)
        noise = organization.random("noise", team.team_id)
        own = [{o: exp(noise.gauss(0, OWN_NOISE)) for o in OUTCOMES} for _ in organization.months]
        for number in range(team.founded, team.closed):
            month = organization.months[number]
            ai = _ai_factors(organization, team.team_id, number)
            others = _other_factors(organization, team.team_id, number)
            planted.ai_factors[team.team_id, month] = ai
            planted.factors[team.team_id, month] = {
                outcome: levels[outcome]
                * exp(TROUBLE[outcome] * trouble[number])
                * own[number][outcome]
                * common[number][outcome]
                * SEASON.get(month.month, {}).get(outcome, 1.0)
                * others[outcome]
                * ai[outcome]
                for outcome in OUTCOMES
            }


def _levels(organization: Organization, team_id: str) -> dict[str, float]:
    """What the team is like for good: mean 1."""
    draw = organization.random("level", team_id)
    spreads = {o: THROUGHPUT_SPREAD if o == "throughput" else LEVEL_SPREAD for o in OUTCOMES}
    return {o: exp(draw.gauss(-(spread**2) / 2, spread)) for o, spread in spreads.items()}


def _common_noise(organization: Organization) -> list[dict[str, float]]:
    draw = organization.random("common noise")
    return [{o: exp(draw.gauss(0, COMMON_NOISE)) for o in OUTCOMES} for _ in organization.months]


def _ai_factors(organization: Organization, team_id: str, number: int) -> dict[str, float]:
    """Part of the effect while it grows and when it has worn off; 1 before adoption."""
    ai = organization.world.ai
    adopted_in = organization.company.planted.adopted_in.get(team_id)
    age = number - organization.month_number(adopted_in) + 1 if adopted_in else 0
    part = min(max(age, 0) / ai.months_to_full, 1.0)
    if ai.half_life_months and age > ai.months_to_full:
        part *= 0.5 ** ((age - ai.months_to_full) / ai.half_life_months)
    return {outcome: 1 + (getattr(ai.effect, outcome) - 1) * part for outcome in OUTCOMES}


def _other_factors(organization: Organization, team_id: str, number: int) -> dict[str, float]:
    """Improvements that are in place, and the trend that the early improvers have."""
    world = organization.world
    factors = dict.fromkeys(OUTCOMES, 1.0)
    for place, improvement in enumerate(world.improvements):
        month = _improvement_month(organization, place, team_id)
        if month is not None and number >= month:
            for outcome in OUTCOMES:
                factors[outcome] *= getattr(improvement.effect, outcome)
    adopts = team_id in organization.company.planted.adopted_in
    if world.adoption.who == "early_improvers" and adopts:
        for outcome in TRENDING:
            factors[outcome] *= world.adoption.prior_trend**number
    return factors


def _improvement_month(organization: Organization, place: int, team_id: str) -> int | None:
    """When the improvement of that place came to the team; None = never."""
    improvement = organization.world.improvements[place]
    if improvement.when == "everybody":
        return improvement.month
    if improvement.when == "with_ai":
        adopted_in = organization.company.planted.adopted_in.get(team_id)
        return organization.month_number(adopted_in) if adopted_in else None
    draw = organization.random("own time", place, team_id)
    return draw.randrange(organization.world.months)


def _log_initiatives(organization: Organization) -> None:
    """What was written down: the improvements (unless the lever hides them) and, in a few teams,
    things that changed nothing."""
    months, log = organization.months, organization.company.initiatives
    for place, improvement in enumerate(organization.world.improvements):
        if not improvement.is_logged:
            continue
        everybody = improvement.when == "everybody"
        teams: list[str | None] = [None] if everybody else [*organization.histories]
        for team_id in teams:
            month = _improvement_month(organization, place, team_id or "")
            if month is not None and month < len(months):
                _log(organization, months[month], improvement.kind, team_id, "An improvement")
    draw = organization.random("unrelated")
    teams = list(organization.histories)
    for team_id in draw.sample(teams, len(teams) // UNRELATED_PER_TEAMS):
        kind, description = draw.choice(UNRELATED)
        _log(organization, draw.choice(months), kind, team_id, description)
        if draw.random() < 0.5:
            log[-1].ended_on = log[-1].started_on.replace(day=28)


def _log(
    organization: Organization, day: date, kind: str, team_id: str | None, description: str
) -> None:
    log = organization.company.initiatives
    log.append(
        Initiative(f"initiative-{len(log) + 1}", day, kind, team_id, description=description)
    )
