"""How the company uses AI: usage records, the tools' own activity records, and seats.

A person's day with a tool is drawn first as work (requests, sessions, lines), then written down as
the vendor would: a bucket per model, or a record per session where the tool reports sessions.
Tokens are requests times what such a request takes, times luck. Keys of agents and pipelines come
on top, with a team or without anybody. A day is the vendor's day (UTC).
"""

import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from math import exp
from typing import Literal

from orchestration.simulation.organization import Organization
from orchestration.simulation.records import Activity, Seat, Usage
from orchestration.simulation.worlds import Pumping, month_after

Role = Literal["main", "deep", "small", "image"]

# What each vendor's API calls its models, and the day each was there; the newest is in use. Those
# of a date in their name have the price of the name without it. "image" is not sold by the token.
RELEASES: dict[tuple[str, Role], tuple[tuple[date, str], ...]] = {
    ("anthropic", "main"): (
        (date(2024, 6, 20), "claude-3-5-sonnet-20240620"),
        (date(2024, 10, 22), "claude-3-5-sonnet-20241022"),
        (date(2025, 2, 24), "claude-3-7-sonnet-20250219"),
        (date(2025, 5, 22), "claude-sonnet-4-20250514"),
        (date(2025, 9, 29), "claude-sonnet-4-5-20250929"),
        (date(2026, 2, 17), "claude-sonnet-4-6"),
    ),
    ("anthropic", "deep"): (
        (date(2024, 2, 29), "claude-3-opus-20240229"),
        (date(2025, 5, 22), "claude-opus-4-20250514"),
        (date(2025, 8, 5), "claude-opus-4-1-20250805"),
        (date(2025, 11, 24), "claude-opus-4-5-20251101"),
        (date(2026, 2, 5), "claude-opus-4-6"),
    ),
    ("anthropic", "small"): (
        (date(2024, 3, 7), "claude-3-haiku-20240307"),
        (date(2024, 11, 4), "claude-3-5-haiku-20241022"),
        (date(2025, 10, 15), "claude-haiku-4-5-20251001"),
    ),
    ("openai", "main"): (
        (date(2024, 5, 13), "gpt-4o"),
        (date(2025, 4, 14), "gpt-4.1"),
        (date(2025, 8, 7), "gpt-5"),
        (date(2025, 11, 13), "gpt-5.1"),
        (date(2025, 12, 11), "gpt-5.2"),
        (date(2026, 3, 5), "gpt-5.4"),
    ),
    # The list price of o3 falls on 2025-06-10, in the middle of a month.
    ("openai", "deep"): (
        (date(2024, 5, 13), "gpt-4o"),
        (date(2024, 12, 17), "o1"),
        (date(2025, 4, 16), "o3"),
        (date(2025, 12, 11), "gpt-5.2"),
        (date(2026, 3, 5), "gpt-5.4"),
    ),
    ("openai", "small"): (
        (date(2024, 7, 1), "gpt-4o-mini"),
        (date(2025, 4, 14), "gpt-4.1-mini"),
        (date(2025, 8, 7), "gpt-5-mini"),
        (date(2026, 3, 17), "gpt-5.4-mini"),
    ),
    ("openai", "image"): (
        (date(2023, 11, 6), "dall-e-3"),
        (date(2025, 4, 23), "gpt-image-1"),
    ),
}
# Long prompts of these are reported apart; elsewhere they do not exist or cost the same.
LONG_CONTEXT = ("claude-sonnet-4-5-20250929", "claude-sonnet-4-6", "claude-opus-4-6")
SHORT_WINDOW, LONG_WINDOW = "0-200k", "200k-1M"
LONG_PROMPTS = 0.04
ANTHROPIC_BATCHES = date(2025, 11, 1)  # from then on batches go there


@dataclass(frozen=True)
class Request:
    """What a request takes on average (tokens)."""

    uncached_input: int
    cache_read: int
    cache_write: int
    output: int


AGENTIC = Request(3_000, 120_000, 12_000, 2_500)
REQUESTS: dict[tuple[str, Role], Request] = {
    ("anthropic", "main"): AGENTIC,
    ("anthropic", "deep"): AGENTIC,
    ("anthropic", "small"): Request(1_500, 6_000, 1_000, 300),
    # OpenAI's models of those years have no price for writing to a cache.
    ("openai", "main"): Request(14_000, 110_000, 0, 2_500),
    ("openai", "deep"): Request(14_000, 110_000, 0, 4_000),
    ("openai", "small"): Request(2_500, 5_000, 0, 300),
}
TOKENS_SPREAD = 0.6  # standard deviation of the log of a record's tokens per request

TOOLS = {"anthropic": "claude_code", "openai": "codex"}
OTHER_VENDOR = {"anthropic": "openai", "openai": "anthropic"}
CHAT, COPILOT = "chat", "copilot"
OPENAI_TIERS = {False: "default", True: "priority"}
REQUESTS_PER_DAY, REQUESTS_SPREAD = 8.5, 0.5  # mean of an established person; log's deviation
SESSIONS = (1, 2, 2, 3)  # in a day
SMALL_TOO, CHATS_TOO, COPILOT_DAYS = 0.65, 0.35, 0.5  # shares of a person's days

PUMPING_SHRINKS = 0.9  # tokens of a request that another was split into
BUNCHED_WITHIN = 5  # requests above the quota

COPILOT_PLAN, COPILOT_PRICE = "copilot_business", Decimal("19.00")  # USD a month
CHAT_PLAN, CHAT_PRICE = "chatgpt_business", Decimal("29.00")  # EUR a month
GETS_COPILOT, NEVER_USES_IT, GETS_CHAT, SPARE_SEATS = 0.75, 0.15, 0.6, 2
TEAM_KEYS = (0.6, 0.4, 0.2)  # shares of adopting teams with an agent, AI in CI, nightly batches
UNKNOWN_KEY = "key-4f9c1e"


Part = tuple[Role, int, float, int]  # role, requests, share of the day's, session


@dataclass(frozen=True)
class Habits:
    """How a person uses AI once the team has adopted it."""

    vendor: str
    day_share: float
    requests: float  # mean of a day
    size: float  # factor on tokens per request
    deep_share: float
    switches_after: timedelta  # how long after its release a new model is taken up
    reports_sessions: bool
    caches_for_an_hour: bool
    pays_for_priority: bool


def use(organization: Organization) -> None:
    """Fills ``ai_usage``, ``ai_activity`` and ``seats`` of the company."""
    _assign_seats(organization)
    _People(organization).use()
    _use_keys(organization)
    _try_images(organization)
    if "unknown_key" in organization.world.billing_faults:
        _use_unknown_key(organization)


def pumping_teams(organization: Organization) -> list[str]:
    """The adopting teams that pump tokens, from the lever's month (and their adoption) on."""
    pumping, adopters = organization.world.pumping, list(organization.company.planted.adopted_in)
    if pumping is None:
        return []
    count = round(pumping.share_of_teams * len(adopters))
    return organization.random("pumping").sample(adopters, count)


@cache
def model_in_use(vendor: str, role: Role, day: date) -> str:
    """The vendor's newest model of that role on the day, as its API reports it."""
    releases = RELEASES[vendor, role]
    return releases[max(bisect_right(releases, (day, "~")) - 1, 0)][1]


class _People:
    """The days of people, month by month and team by team."""

    def __init__(self, organization: Organization) -> None:
        self._organization = organization
        self._habits: dict[str, Habits] = {}
        self._session_count = 0
        self._pumping = frozenset(pumping_teams(organization))
        self._copilots = {
            seat.person: seat
            for seat in organization.company.seats
            if seat.plan == COPILOT_PLAN and seat.person
        }

    def use(self) -> None:
        """Everybody who uses AI, on the days on which they do."""
        organization = self._organization
        adopted_in = organization.company.planted.adopted_in
        for month in organization.months:
            days = _days_of(organization, month)
            for team_id in organization.teams_on(month):
                working = [day for day in days if organization.is_working_day(team_id, day)]
                has_adopted = team_id in adopted_in and month >= adopted_in[team_id]
                for person in organization.ai_users(team_id, month):
                    there = [d for d in working if person in organization.people_of(team_id, d)]
                    self._use_in_month(team_id, person, month, there, has_adopted)

    def _use_in_month(
        self, team_id: str, person: str, month: date, days: list[date], has_adopted: bool
    ) -> None:
        habits = self._habits.get(person) or self._form_habits(team_id, person)
        draw = self._organization.random("usage", person, month)
        if has_adopted:
            used = [day for day in days if draw.random() < habits.day_share]
        else:  # the curious, on a day or two
            used = sorted(draw.sample(days, min(len(days), draw.choice((1, 1, 2)))))
        pump = self._pump(team_id, person, month, habits)
        for number, day in enumerate(used):
            self._use_on_day(person, day, habits, draw, pump[number] if pump else None)
        self._use_copilot(person, month, used)

    def _form_habits(self, team_id: str, person: str) -> Habits:
        """The person's own ways around those of the first team they used AI in."""
        team = self._organization.random("habits", team_id)
        draw = self._organization.random("habits", person)
        prefers_anthropic, appetite = team.choice((0.3, 0.6, 0.85)), exp(team.gauss(0, 0.35))
        deep_share = team.choice((0.05, 0.15, 0.4))
        self._habits[person] = Habits(
            vendor="anthropic" if draw.random() < prefers_anthropic else "openai",
            day_share=draw.uniform(0.75, 0.97),
            requests=REQUESTS_PER_DAY * exp(draw.gauss(-0.045, 0.3)),
            size=appetite * exp(draw.gauss(0, 0.5)),
            deep_share=deep_share,
            switches_after=timedelta(days=draw.randrange(45)),
            reports_sessions=draw.random() < 0.6,
            caches_for_an_hour=draw.random() < 0.2,
            pays_for_priority=draw.random() < 0.1,
        )
        return self._habits[person]

    def _pump(
        self, team_id: str, person: str, month: date, habits: Habits
    ) -> list[int | None] | None:
        """The requests of each day of a month of pumping: as many as ever, or just above the quota.
        Days at the quota are as frequent as makes ``factor`` times the requests in the mean."""
        organization, pumping = self._organization, self._organization.world.pumping
        if pumping is None or team_id not in self._pumping:
            return None
        starts_in = organization.company.planted.adopted_in[team_id]
        if organization.month_number(month) < pumping.month or month < starts_in:
            return None
        share = _share_of_days_at_quota(pumping, habits.requests)
        draw = organization.random("pumping", person, month)
        return [
            pumping.daily_request_quota + draw.randrange(BUNCHED_WITHIN)
            if draw.random() < share
            else None
            for _ in range(31)
        ]

    def _use_on_day(
        self, person: str, day: date, habits: Habits, draw: random.Random, pumped_to: int | None
    ) -> None:
        """A day with the person's own tool, and perhaps a chat with another vendor's model."""
        requests = _around(draw, habits.requests)
        parts = _split(draw, requests, habits)
        factor = 1.0
        if pumped_to is not None and pumped_to > requests:
            factor = PUMPING_SHRINKS * pumped_to / requests
            parts = _scaled(parts, pumped_to)
        self._describe(person, day, habits, draw, requests, sum(part[1] for part in parts))
        vendor = habits.vendor
        for role, count, share, session in parts:
            weight = requests * share * factor
            self._write(
                person, day, habits, draw, vendor, role, TOOLS[vendor], count, weight, session
            )
        self._session_count += SESSIONS[-1]
        if draw.random() < CHATS_TOO:
            count = 1 + int(4 * draw.random())
            other = OTHER_VENDOR[vendor]
            self._write(person, day, habits, draw, other, "small", CHAT, count, count, None)

    def _write(
        self, person: str, day: date, habits: Habits, draw: random.Random, vendor: str,
        role: Role, tool: str, count: int, weight: float, session: int | None,
    ) -> None:  # fmt: skip
        """One usage record; ``weight`` is how many requests of ordinary size it amounts to."""
        model = model_in_use(vendor, role, day - habits.switches_after)
        tokens = REQUESTS[vendor, role]
        size = weight * habits.size * exp(draw.gauss(0, TOKENS_SPREAD))
        luck = draw.random()
        is_anthropic = vendor == "anthropic"
        is_long = luck < LONG_PROMPTS and model in LONG_CONTEXT
        written = int(tokens.cache_write * size)
        hour = written // 2 if habits.caches_for_an_hour else 0
        moment, session_id = datetime.combine(day, time()), None
        if session is not None and habits.reports_sessions:  # else a bucket of the day
            moment += timedelta(seconds=28800 + session * 10800 + int(luck * 10800))
            session_id = f"session-{self._session_count + session}"
        is_priority = habits.pays_for_priority and role == "main" and not is_anthropic
        usage = self._organization.company.ai_usage
        usage.append(
            Usage(
                f"usage-{len(usage) + 1}", moment, vendor, model, person,
                tool=tool,
                session_id=session_id,
                request_count=count,
                service_tier="standard" if is_anthropic else OPENAI_TIERS[is_priority],
                context_window=(LONG_WINDOW if is_long else SHORT_WINDOW) if is_anthropic else None,
                uncached_input_tokens=int(tokens.uncached_input * size),
                cache_read_tokens=int(tokens.cache_read * size * (1.25 - luck / 2)),
                cache_write_5m_tokens=written - hour if is_anthropic else None,
                cache_write_1h_tokens=hour if is_anthropic else None,
                output_tokens=int(tokens.output * size * (0.5 + luck)),
            )
        )  # fmt: skip

    def _describe(
        self, person: str, day: date, habits: Habits, draw: random.Random, base: int, requests: int
    ) -> None:
        """What the tool says of the day. Work follows ``base``: pumping adds requests alone."""
        luck, lines = draw.random(), int(base * (5 + 35 * draw.random()))
        self._organization.company.ai_activity.append(
            Activity(
                person, day, TOOLS[habits.vendor], habits.vendor,
                sessions=1 + base // 8,
                interactions=requests,
                agent_actions=int(base * (3 + 6 * luck)),
                agent_tasks_completed=int(base * (0.1 + 0.3 * luck)),
                lines_suggested=lines,
                lines_accepted=int(lines * (0.2 + 0.6 * draw.random())),
            )
        )  # fmt: skip

    def _use_copilot(self, person: str, month: date, days: list[date]) -> None:
        """The editor's completions, on some of the days, for those who hold a seat and use it."""
        seat = self._copilots.get(person)
        if seat is None or _never_uses_copilot(self._organization, person):
            return
        draw = self._organization.random("copilot", person, month)
        for day in days:
            luck, interactions = draw.random(), 1 + int(30 * draw.random())
            if luck < COPILOT_DAYS and day >= seat.assigned_on:
                lines = interactions * 6
                self._organization.company.ai_activity.append(
                    Activity(
                        person, day, COPILOT, "github",
                        interactions=interactions,
                        lines_suggested=lines,
                        lines_accepted=int(lines * (0.1 + 0.6 * luck)),
                    )
                )  # fmt: skip


def _around(draw: random.Random, mean: float) -> int:
    """Requests of a day, at least one."""
    return max(1, round(mean * exp(draw.gauss(-(REQUESTS_SPREAD**2) / 2, REQUESTS_SPREAD))))


def _share_of_days_at_quota(pumping: Pumping, requests: float) -> float:
    """The p with p × quota + (1 − p) × requests = factor × requests, at most 1."""
    extra = pumping.daily_request_quota - requests
    return min(1.0, (pumping.factor - 1) * requests / extra) if extra > 0 else 1.0


def _split(draw: random.Random, requests: int, habits: Habits) -> list[Part]:
    """The day's requests by model and, where the tool reports them, by session."""
    counts: list[tuple[Role, int, int]] = []
    sessions = SESSIONS[int(len(SESSIONS) * draw.random())]
    small = requests // 4 if draw.random() < SMALL_TOO else 0
    main: Role = "deep" if draw.random() < habits.deep_share else "main"
    rest = requests - small
    pieces = min(sessions, rest) if habits.reports_sessions else 1
    for piece in range(pieces):
        counts.append((main, rest // pieces + (piece < rest % pieces), piece))
    if small:
        counts.append(("small", small, 0))
    return [(role, count, count / requests, session) for role, count, session in counts]


def _scaled(parts: list[Part], total: int) -> list[Part]:
    """The same parts with ``total`` requests; the first takes what rounding leaves."""
    counts = [int(total * share) for _, _, share, _ in parts]
    counts[0] += total - sum(counts)
    return [(part[0], count, *part[2:]) for part, count in zip(parts, counts, strict=True)]


def _days_of(organization: Organization, month: date) -> list[date]:
    """The month's days before ``as_of``."""
    until = min(month_after(month), organization.company.as_of.date())
    return [month + timedelta(days=number) for number in range((until - month).days)]


# Keys without a person.


@dataclass(frozen=True)
class Key:
    """A key that runs by itself: ``requests`` a day, of ``size`` times the usual tokens."""

    api_key_id: str
    team_id: str | None
    vendor: str
    role: Role
    tool: str | None
    requests: float
    size: float
    is_batch: bool = False
    on_weekends: bool = False


def _use_keys(organization: Organization) -> None:
    """Agents and pipelines of teams from the month after they adopt, and service accounts."""
    for month in organization.months:
        keys = [*_team_keys(organization, month), *_service_accounts(organization, month)]
        for key in keys:
            draw = organization.random("key usage", key.api_key_id, month)
            for day in _days_of(organization, month):
                if key.on_weekends or day.weekday() < 5:
                    _write_key(organization, draw, key, day)


def _team_keys(organization: Organization, month: date) -> Iterator[Key]:
    adopted_in = organization.company.planted.adopted_in
    for team_id in organization.teams_on(month):
        if team_id not in adopted_in or month <= adopted_in[team_id]:
            continue
        draw = organization.random("keys", team_id)
        has_agent, has_ci, has_batch = (draw.random() < share for share in TEAM_KEYS)
        size = exp(draw.gauss(0, 0.5))
        if has_agent:
            yield Key(f"key-{team_id}-agent", team_id, "anthropic", "main", "agent", 12, size)
        if has_ci:
            yield Key(f"key-{team_id}-ci", team_id, "openai", "small", "ci", 60, size)
        if has_batch:
            vendor = "anthropic" if month >= ANTHROPIC_BATCHES else "openai"
            yield Key(f"key-{team_id}-batch", team_id, vendor, "small", "batch", 300, size, True)


def _service_accounts(organization: Organization, month: date) -> Iterator[Key]:
    """Keys that belong to no team, from the first adoption on: two, and more in a large company."""
    adoptions = organization.company.planted.adopted_in.values()
    if not adoptions or month < min(adoptions):
        return
    for number in range(2 + organization.world.teams // 60):
        vendor = ("anthropic", "openai")[number % 2]
        name = f"key-service-account-{number + 1}"
        yield Key(name, None, vendor, "main", "agent", 15, 1.0, on_weekends=True)


def _write_key(organization: Organization, draw: random.Random, key: Key, day: date) -> None:
    requests = _around(draw, key.requests)
    size = requests * key.size * exp(draw.gauss(0, TOKENS_SPREAD))
    tokens, is_anthropic = REQUESTS[key.vendor, key.role], key.vendor == "anthropic"
    usage = organization.company.ai_usage
    usage.append(
        Usage(
            f"usage-{len(usage) + 1}", datetime.combine(day, time()), key.vendor,
            model_in_use(key.vendor, key.role, day),
            api_key_id=key.api_key_id,
            team_id=key.team_id,
            tool=key.tool,
            request_count=requests,
            service_tier="batch" if key.is_batch and is_anthropic else None,
            is_batch=key.is_batch,
            context_window=SHORT_WINDOW if is_anthropic else None,
            uncached_input_tokens=int(tokens.uncached_input * size),
            cache_read_tokens=int(tokens.cache_read * size),
            cache_write_5m_tokens=int(tokens.cache_write * size) if is_anthropic else None,
            cache_write_1h_tokens=0 if is_anthropic else None,
            output_tokens=int(tokens.output * size),
        )
    )  # fmt: skip


def _try_images(organization: Organization) -> None:
    """Some try to make images for two months in the middle. They are not sold by the token, so
    they have no price."""
    middle = len(organization.months) // 2
    for month in organization.months[middle : middle + 2]:
        for team_id in organization.teams_on(month):
            for person in organization.ai_users(team_id, month):
                draw = organization.random("images", person, month)
                if draw.random() < 0.05:
                    day = draw.choice(_days_of(organization, month))
                    _write_images(organization, person, day, draw.randint(1, 12))


def _write_images(organization: Organization, person: str, day: date, images: int) -> None:
    usage = organization.company.ai_usage
    usage.append(
        Usage(
            f"usage-{len(usage) + 1}", datetime.combine(day, time()), "openai",
            model_in_use("openai", "image", day), person,
            tool=CHAT,
            request_count=images,
            other_units=Decimal(images),
            other_unit_name="image",
        )
    )  # fmt: skip


def _use_unknown_key(organization: Organization) -> None:
    """A key that nobody knows, on twenty days of the last month but two."""
    month = organization.months[max(len(organization.months) - 3, 0)]
    key = Key(UNKNOWN_KEY, None, "openai", "main", None, 40, 1.0)
    draw = organization.random("unknown key")
    for day in _days_of(organization, month)[4:24]:
        _write_key(organization, draw, key, day)


# Seats.


def _assign_seats(organization: Organization) -> None:
    ends = _last_days(organization)
    _assign_copilot(organization, ends)
    _assign_chat(organization, ends)


def _last_days(organization: Organization) -> dict[str, date | None]:
    """The first day on which each person is no longer in the company; None = still is."""
    ends: dict[str, date | None] = {}
    for membership in organization.company.team_memberships:
        known = ends.get(membership.person, membership.valid_to)
        until = membership.valid_to
        ends[membership.person] = max(known, until) if known and until else None
    return ends


def _assign_copilot(organization: Organization, ends: dict[str, date | None]) -> None:
    """Seats for most of a team in the month it adopts, whether they will use them or not, and for
    those who join it later."""
    holders: set[str] = set()
    adopted_in = organization.company.planted.adopted_in
    for month in organization.months:
        for team_id in organization.teams_on(month):
            if team_id not in adopted_in or month < adopted_in[team_id]:
                continue
            for person in organization.people_of(team_id, month):
                draw = organization.random("seat", person)
                if person not in holders and draw.random() < GETS_COPILOT:
                    holders.add(person)
                    _assign(organization, "github", COPILOT_PLAN, month, person, ends[person])


def _never_uses_copilot(organization: Organization, person: str) -> bool:
    return organization.random("idle seat", person).random() < NEVER_USES_IT


def _assign_chat(organization: Organization, ends: dict[str, date | None]) -> None:
    """A plan for most people of one department, bought in mid-month, with spare seats."""
    start = organization.months[len(organization.months) // 3].replace(day=15)
    if start >= organization.company.as_of.date():
        return
    departments = [t.team_id for t in organization.company.teams if t.parent_team_id is None]
    department = organization.random("chat plan").choice(departments)
    for team in organization.company.teams:
        if team.parent_team_id == department:
            for person in organization.people_of(team.team_id, start):
                if organization.random("chat seat", person).random() < GETS_CHAT:
                    _assign(organization, "openai", CHAT_PLAN, start, person, ends[person])
    for _ in range(SPARE_SEATS):
        organization.company.seats.append(
            Seat("openai", CHAT_PLAN, start, None, department, None, CHAT_PRICE, "EUR")
        )


def _assign(
    organization: Organization, vendor: str, plan: str, day: date, person: str, end: date | None
) -> None:
    """A person's seat; it is taken back when they leave, or a while after."""
    if end:
        end += timedelta(days=organization.random("seat end", person).choice((0, 0, 4, 20)))
    unassigned_on = end if end and end < organization.company.as_of.date() else None
    price = (COPILOT_PRICE, "USD") if plan == COPILOT_PLAN else (CHAT_PRICE, "EUR")
    organization.company.seats.append(Seat(vendor, plan, day, person, None, unassigned_on, *price))
