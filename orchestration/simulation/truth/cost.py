"""What AI usage cost, whose it is, and what it cost per change and deployment."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from orchestration.simulation.records import Company, Usage
from orchestration.simulation.truth.delivery import Changed, Delivery
from orchestration.simulation.truth.directory import (
    ORGANIZATION,
    UNATTRIBUTED,
    Directory,
    Policy,
    Row,
    is_seen,
)
from orchestration.simulation.truth.lines import SMALL_TEAMS, SMALL_TEAMS_NAME, Lines
from orchestration.simulation.truth.periods import Period, start_of
from orchestration.simulation.truth.prices import (
    Kind,
    Price,
    PriceBook,
    context_begins_at,
    tier_and_batch,
)
from orchestration.simulation.truth.suppression import shown_counts

PLACES = Decimal("1e-12")
BOUND_PLACES = Decimal("1e-8")
MILLION = Decimal(1_000_000)
UNCACHED, CACHED = "uncached_input", ("cache_read", "cache_write_5m", "cache_write_1h")
TOKEN_CLASSES = (UNCACHED, *CACHED, "output")

Mix = tuple[tuple[str, Decimal], ...]  # teams and shares, the primary one last
Scope = tuple[str, str]  # scope type, scope id
Measure = tuple[str, str]  # token class, unit name
Amounts = dict[Measure, int | Decimal]


class Served(NamedTuple):
    """How something was served. ``context`` is where the class of its prompt's size begins."""

    vendor: str
    model: str
    service_tier: str
    is_batch: bool
    context: int


@dataclass(frozen=True)
class Charge:
    """What a team used of something on a day, and what it cost."""

    team_id: str
    kind: Kind
    unit_name: str
    day: date
    quantity: Decimal
    list_cost: Decimal | None
    metered_cost: Decimal | None
    caching_saved: Decimal | None
    batch_saved: Decimal | None
    status: str
    source: str | None

    @property
    def is_tokens(self) -> bool:
        """Whether it is counted in tokens."""
        return self.kind.token_class in TOKEN_CLASSES


@dataclass
class Saving:
    """What was saved by serving some tokens otherwise, and how many could not be compared."""

    amount: Decimal = Decimal(0)
    is_compared: bool = False
    uncompared: Decimal = Decimal(0)

    def add(self, quantity: Decimal, saved: Decimal | None) -> None:
        """Counts tokens in."""
        if saved is None:
            self.uncompared += quantity
        else:
            self.is_compared = True
            self.amount += saved

    def merge(self, other: "Saving") -> None:
        """Counts others in."""
        self.amount += other.amount
        self.is_compared |= other.is_compared
        self.uncompared += other.uncompared

    @property
    def known(self) -> Decimal | None:
        """0 over no tokens; None where none of them compares."""
        return None if self.uncompared and not self.is_compared else self.amount


@dataclass
class Sums:
    """A scope's period of unit economics. ``cost`` is of what has a price."""

    cost: Decimal = Decimal(0)
    has_usage: bool = False
    has_price: bool = False
    merges: int = 0
    accepted: int = 0
    failed: int = 0
    fixed: int = 0
    deployments: int = 0
    epics: int = 0
    stories: int = 0
    users: set[str] = field(default_factory=set)
    tokens: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # by class
    batch: Decimal = Decimal(0)
    unpriced: Decimal = Decimal(0)
    unpriced_other: Decimal = Decimal(0)
    caching: "Saving" = field(default_factory=lambda: Saving())
    batching: "Saving" = field(default_factory=lambda: Saving())

    def add(self, charge: Charge) -> None:
        """Counts a charge in."""
        self.has_usage = True
        if charge.metered_cost is not None:
            self.has_price = True
            self.cost += charge.metered_cost
        is_unpriced = charge.metered_cost is None
        if charge.is_tokens:
            self.tokens[charge.kind.token_class] += charge.quantity
            self.batch += charge.quantity if charge.kind.is_batch else 0
            if charge.kind.token_class in CACHED:
                self.caching.add(charge.quantity, charge.caching_saved)
            if charge.kind.is_batch:
                self.batching.add(charge.quantity, charge.batch_saved)
            self.unpriced += charge.quantity if is_unpriced else 0
        else:
            self.unpriced_other += charge.quantity if is_unpriced else 0

    def merge(self, other: "Sums") -> None:
        """Counts another team's or month's in."""
        self.cost += other.cost
        self.has_usage |= other.has_usage
        self.has_price |= other.has_price
        self.merges += other.merges
        self.accepted += other.accepted
        self.failed += other.failed
        self.fixed += other.fixed
        self.deployments += other.deployments
        self.epics += other.epics
        self.stories += other.stories
        self.users |= other.users
        for token_class, quantity in other.tokens.items():
            self.tokens[token_class] += quantity
        self.batch += other.batch
        self.unpriced += other.unpriced
        self.unpriced_other += other.unpriced_other
        self.caching.merge(other.caching)
        self.batching.merge(other.batching)


class Cost:
    """Usage, priced and split by team."""

    def __init__(
        self,
        company: Company,
        directory: Directory,
        delivery: Delivery,
        policy: Policy,
        fixed: set[Changed],
    ) -> None:
        self._directory, self._delivery, self._policy = directory, delivery, policy
        self._issues = company.issues
        self._book = PriceBook(company)
        self._fixed = fixed
        self._usage = [
            usage for usage in company.ai_usage if is_seen(usage.occurred_at, company.as_of)
        ]
        self.charges = self._charged()
        self._of_teams = self._sums_of_teams()

    def _charged(self) -> list[Charge]:
        """What people with the same teams and shares used of one thing on one day is added up,
        priced, and then split among those teams."""
        used: dict[tuple[Mix, Served, date], Amounts] = {}
        for usage in self._usage:
            key = self._whose(usage), _served(usage), usage.occurred_at.date()
            amounts = used.setdefault(key, {})
            for measure, amount in _amounts(usage):
                amounts[measure] = amounts.get(measure, 0) + amount
        return [
            charge
            for (mix, served, day), amounts in used.items()
            for measure, amount in amounts.items()
            for charge in self._charges(mix, served, measure, day, Decimal(amount))
        ]

    def _charges(
        self, mix: Mix, served: Served, measure: Measure, day: date, quantity: Decimal
    ) -> Iterator[Charge]:
        vendor, model, tier, is_batch, context = served
        token_class, unit_name = measure
        kind = Kind(vendor, model, token_class, tier, is_batch)
        listed = self._book.list_price(kind, context, day)
        contract = self._book.contract_price(kind, day)
        price = contract or listed
        source = price.source if price else None
        status = _status(price, contract)
        uncached = unbatched = None
        if token_class in CACHED:
            uncached = self._in_force(replace(kind, token_class=UNCACHED), context, day)
        if is_batch:
            unbatched = self._in_force(replace(kind, is_batch=False), context, day)
        cost = _cost(quantity, price)
        amounts = (
            quantity,
            _cost(quantity, listed),
            cost,
            _saved(_cost(quantity, uncached), cost),
            _saved(_cost(quantity, unbatched), cost),
        )
        parts = zip(*(_split(amount, mix) for amount in amounts), strict=True)
        for (team_id, _), (part, list_cost, own, cached, batched) in zip(mix, parts, strict=True):
            if part is not None:
                yield Charge(
                    team_id, kind, unit_name, day, part, list_cost, own, cached, batched, status,
                    source,
                )  # fmt: skip

    def _in_force(self, kind: Kind, context: int, day: date) -> Price | None:
        """The contract's price, else the list's."""
        return self._book.contract_price(kind, day) or self._book.list_price(kind, context, day)

    def _whose(self, usage: Usage) -> Mix:
        """The person's teams on the day, else the team that the record names."""
        person = self._directory.person(usage.person)
        mix = self._directory.mix_on(person, usage.occurred_at.date())
        if mix:
            return mix
        team_id = self._directory.known_team(usage.team_id) or UNATTRIBUTED
        return ((team_id, Decimal(1)),)

    # core.dim_ai_models and cost.ai_cost_daily

    def dim_ai_models(self) -> list[Row]:
        """``core.dim_ai_models``."""
        days: dict[tuple[str, str], list[date]] = {}
        for usage in self._usage:
            key = usage.vendor.lower(), usage.model.lower()
            days.setdefault(key, []).append(usage.occurred_at.date())
        priced = self._book.models()
        return [
            {
                "vendor": vendor,
                "model": model,
                "has_list_price": priced.get((vendor, model), (False,))[0],
                "has_contract_price": priced.get((vendor, model), (False, False))[1],
                "was_used": (vendor, model) in days,
                "first_priced_date": priced.get((vendor, model), (None, None, None))[2],
                "first_used_date": min(days.get((vendor, model), []), default=None),
                "last_used_date": max(days.get((vendor, model), []), default=None),
            }
            for vendor, model in sorted({*days, *priced})
        ]

    def ai_cost_daily(self, lines: Lines) -> list[Row]:
        """``cost.ai_cost_daily``."""
        rows: dict[tuple[str, Kind, str, date], Row] = {}
        for charge in self.charges:
            line = lines.line_of(charge.team_id, "monthly", charge.day.replace(day=1))
            row = rows.setdefault(
                (line, charge.kind, charge.unit_name, charge.day), _daily_row(line, charge, lines)
            )
            row["quantity"] = _plus(row["quantity"], charge.quantity)
            row["list_cost_usd"] = _plus(row["list_cost_usd"], charge.list_cost)
            row["metered_cost_usd"] = _plus(row["metered_cost_usd"], charge.metered_cost)
        return list(rows.values())

    # cost.unit_economics_*

    def unit_economics(self, kind: str, periods: list[Period], lines: Lines) -> list[Row]:
        """``cost.unit_economics_<kind>``."""
        sums = self._summed(kind, lines)
        rows = []
        for period in periods:
            stands_on = self._reporting_scopes(kind, period, lines)
            standing = [stands_on["team", team_id] for team_id in self._directory.team_ids]
            users = self._shown_users(kind, period, lines, sums)
            for (scope_type, scope_id), reporting_id in stands_on.items():
                is_line = scope_id != SMALL_TEAMS or SMALL_TEAMS in standing
                is_reported = scope_id == reporting_id and is_line
                found = sums.get((scope_type, scope_id, period.start), Sums())
                rows.append(
                    {
                        "scope_type": scope_type,
                        "scope_id": scope_id,
                        "period_start": period.start,
                        "scope_name": self._scope_name(scope_type, scope_id),
                        "reporting_scope_id": reporting_id,
                        **_economics(found, users.get((scope_type, scope_id)), is_reported),
                        "is_reported": is_reported,
                        "is_partial_period": period.is_partial(self._directory.as_of),
                        "period_end": period.end,
                    }
                )
        return rows

    def _scope_name(self, scope_type: str, scope_id: str) -> str:
        if scope_type == ORGANIZATION:
            return "Organization"
        return SMALL_TEAMS_NAME if scope_id == SMALL_TEAMS else self._directory.team_name(scope_id)

    def _reporting_scopes(self, kind: str, period: Period, lines: Lines) -> dict[Scope, str]:
        """Every scope, and the one of its type on whose line its figures stand."""
        line_of = {
            team_id: lines.line_of(team_id, kind, period.start)
            for team_id in self._directory.team_ids
        }
        with_lines = {lines.department_of(line) for line in line_of.values()}
        return {
            (ORGANIZATION, ORGANIZATION): ORGANIZATION,
            **{
                ("department", d): d if d in with_lines else SMALL_TEAMS
                for d in self._directory.department_ids
            },
            **{("team", team_id): line for team_id, line in line_of.items()},
            ("department", SMALL_TEAMS): SMALL_TEAMS,
            ("team", SMALL_TEAMS): SMALL_TEAMS,
        }

    def _sums_of_teams(self) -> dict[tuple[str, date], Sums]:
        """What each team has to show for each month, by its first day."""
        sums: dict[tuple[str, date], Sums] = defaultdict(Sums)
        for charge in self.charges:
            sums[charge.team_id, charge.day.replace(day=1)].add(charge)
        for usage in self._usage:
            person = self._directory.person(usage.person)
            if person is not None:
                month = usage.occurred_at.date().replace(day=1)
                sums[self._whose(usage)[-1][0], month].users.add(person)
        for change in self._delivery.changes:
            if not change.is_bot_change:
                found = sums[change.team_id, change.merged_at.date().replace(day=1)]
                shipped, is_fixed = change.deployment, change in self._fixed
                has_failed = bool(shipped and shipped.failure_link_method)
                found.merges += 1
                found.accepted += shipped is not None and not has_failed and not is_fixed
                found.failed += has_failed
                found.fixed += is_fixed
        for deployed in self._delivery.deployments:
            sums[deployed.team_id, deployed.finished_at.date().replace(day=1)].deployments += 1
        for issue in self._issues:
            if issue.resolved_at and is_seen(issue.resolved_at, self._directory.as_of):
                month = issue.resolved_at.date().replace(day=1)
                found = sums[self._directory.team_of_issue(issue), month]
                found.epics += issue.issue_type.casefold() == "epic"
                found.stories += issue.issue_type.casefold() == "story"
        return sums

    def _summed(self, kind: str, lines: Lines) -> dict[tuple[str, str, date], Sums]:
        """The scopes' periods: each is the sum of its teams' months."""
        sums: dict[tuple[str, str, date], Sums] = defaultdict(Sums)
        for (team_id, month), found in self._of_teams.items():
            start = start_of(kind, month, self._policy.fiscal_year_start_month)
            line = lines.line_of(team_id, kind, start)
            sums[ORGANIZATION, ORGANIZATION, start].merge(found)
            sums["department", lines.department_of(line), start].merge(found)
            sums["team", line, start].merge(found)
        return sums

    def _shown_users(
        self,
        kind: str,
        period: Period,
        lines: Lines,
        sums: dict[tuple[str, str, date], Sums],
    ) -> dict[Scope, int]:
        """Counts of users that may be shown."""
        counts = {
            (scope_type, scope_id): len(found.users)
            for (scope_type, scope_id, start), found in sums.items()
            if start == period.start
        }
        return shown_counts(counts, lines.department_of, self._policy.minimum_group_size)


def _served(usage: Usage) -> Served:
    tier, is_batch = tier_and_batch(usage.service_tier, usage.is_batch)
    context = context_begins_at(usage.context_window)
    return Served(usage.vendor.lower(), usage.model.lower(), tier, is_batch, context)


def _amounts(usage: Usage) -> list[tuple[Measure, int | Decimal]]:
    """Class, unit and amount of everything in a record."""
    tokens = (
        usage.uncached_input_tokens,
        usage.cache_read_tokens,
        usage.cache_write_5m_tokens,
        usage.cache_write_1h_tokens,
        usage.output_tokens,
    )
    found: list[tuple[Measure, int | Decimal]] = [
        ((token_class, "token"), count)
        for token_class, count in zip(TOKEN_CLASSES, tokens, strict=True)
        if count
    ]
    if usage.other_units:
        found.append((("other", usage.other_unit_name or "unknown"), usage.other_units))
    return found


def _cost(quantity: Decimal, price: Price | None) -> Decimal | None:
    return None if price is None else _rounded(quantity * price.usd_per_million / MILLION)


def _saved(other: Decimal | None, cost: Decimal | None) -> Decimal | None:
    return None if other is None or cost is None else other - cost


def _split(amount: Decimal | None, mix: Mix) -> list[Decimal | None]:
    """A team's part is the rounded amount up to its end less the one up to its beginning, so the
    parts add up to the whole."""
    if amount is None:
        return [None] * len(mix)
    whole = sum(share for _, share in mix)
    parts: list[Decimal | None] = []
    share_before, amount_before = Decimal(0), Decimal(0)
    for number, (_, share) in enumerate(mix, start=1):
        share_before += share
        bound = (share_before / whole).quantize(BOUND_PLACES, ROUND_HALF_UP)
        amount_up_to = amount if number == len(mix) else _rounded(amount * bound)
        parts.append(amount_up_to - amount_before)
        amount_before = amount_up_to
    return parts


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(PLACES, ROUND_HALF_UP)


def _status(price: Price | None, contract: Price | None) -> str:
    if price is None:
        return "unpriced"
    if price.usd_per_million == 0:
        return "free"
    return "contract" if contract else "priced"


def _plus(sum_before: object, amount: Decimal | None) -> Decimal | None:
    if amount is None:
        return sum_before if isinstance(sum_before, Decimal) else None
    return amount + sum_before if isinstance(sum_before, Decimal) else amount


def _daily_row(line: str, charge: Charge, lines: Lines) -> Row:
    department = lines.department_of(line)
    return {
        "team_id": line,
        "vendor": charge.kind.vendor,
        "model": charge.kind.model,
        "token_class": charge.kind.token_class,
        "unit_name": charge.unit_name,
        "service_tier": charge.kind.service_tier,
        "is_batch": charge.kind.is_batch,
        "usage_date": charge.day,
        "department_id": department,
        "team_name": lines.name_of(line),
        "department_name": lines.name_of(department),
        "price_status": charge.status,
        "price_source": charge.source,
        "quantity": None,
        "list_cost_usd": None,
        "metered_cost_usd": None,
    }


def _economics(found: Sums, users: int | None, is_reported: bool) -> Row:
    tokens = sum(found.tokens.values(), Decimal(0))
    inputs = tokens - found.tokens["output"]
    cost = None if found.has_usage and not found.has_price else found.cost
    row: Row = {
        "ai_cost_usd": cost,
        "merged_pull_request_count": found.merges,
        "cost_usd_per_merged_pull_request": _unit_price(cost, found.merges),
        "accepted_change_count": found.accepted,
        "cost_usd_per_accepted_change": _unit_price(cost, found.accepted),
        "failed_change_count": found.failed,
        "cost_of_failed_change_usd": _part(cost, found.failed, found.merges),
        "fixed_change_count": found.fixed,
        "cost_of_fixed_change_usd": _part(cost, found.fixed, found.merges),
        "successful_deployment_count": found.deployments,
        "cost_usd_per_successful_deployment": _unit_price(cost, found.deployments),
        "finished_epic_count": found.epics,
        "cost_usd_per_finished_epic": _unit_price(cost, found.epics),
        "finished_story_count": found.stories,
        "cost_usd_per_finished_story": _unit_price(cost, found.stories),
        "active_user_count": users,
        "cost_usd_per_active_user": None if users is None else _unit_price(cost, users),
        "token_count": tokens,
        "input_token_count": inputs,
        "cache_read_token_count": found.tokens["cache_read"],
        "cache_read_share": _share(found.tokens["cache_read"], inputs),
        "caching_saved_usd": found.caching.known,
        "caching_uncompared_token_count": found.caching.uncompared,
        "batch_token_count": found.batch,
        "batch_share": _share(found.batch, tokens),
        "batch_saved_usd": found.batching.known,
        "batch_uncompared_token_count": found.batching.uncompared,
        "unpriced_token_count": found.unpriced,
        "unpriced_token_share": _share(found.unpriced, tokens),
        "unpriced_other_unit_count": found.unpriced_other,
    }
    if not is_reported:
        row = dict.fromkeys(row)
    is_fully_priced = not found.unpriced and not found.unpriced_other
    return {**row, "is_fully_priced": is_fully_priced or not is_reported}


def _unit_price(cost: Decimal | None, count: int) -> Decimal | None:
    return None if cost is None or not count else _rounded(cost / count)


def _part(cost: Decimal | None, count: int, whole: int) -> Decimal | None:
    """What so many of the changes cost, if each costs the same."""
    return None if cost is None or not whole else _rounded(cost * count / whole)


def _share(part: Decimal, whole: Decimal) -> float | None:
    return float(part / whole) if whole else None
