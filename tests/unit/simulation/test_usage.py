from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache

import pytest

from orchestration.simulation import organization, usage
from orchestration.simulation.billing import TOKEN_CLASSES, Article, PriceBook, list_prices
from orchestration.simulation.organization import Organization
from orchestration.simulation.records import Company, Usage
from orchestration.simulation.worlds import Adoption, BillingFault, Pumping, World

WORLD = World(
    "test",
    "Six teams, eight months; adoption in the third or fourth.",
    teams=6,
    months=8,
    adoption=Adoption(first_month=2, last_month=3),
)
PUMPING = Pumping(share_of_teams=0.5, month=4, factor=10, daily_request_quota=100)


@cache
def used(
    pumping: Pumping | None = None, faults: tuple[BillingFault, ...] = (), seed: int = 7
) -> Organization:
    found = organization.found(replace(WORLD, pumping=pumping, billing_faults=faults), seed)
    usage.use(found)
    return found


def tokens(record: Usage) -> int:
    return (
        (record.uncached_input_tokens or 0)
        + (record.cache_read_tokens or 0)
        + (record.cache_write_5m_tokens or 0)
        + (record.cache_write_1h_tokens or 0)
        + (record.output_tokens or 0)
    )


def days_used(records: Iterable[Usage]) -> dict[tuple[str, date], set[date]]:
    """The days of each person and month."""
    days: dict[tuple[str, date], set[date]] = defaultdict(set)
    for record in records:
        if record.person:
            day = record.occurred_at.date()
            days[record.person, day.replace(day=1)].add(day)
    return days


def test_same_seed_same_records_and_another_seed_others() -> None:
    first, again = used().company, used.__wrapped__().company
    assert first.ai_usage == again.ai_usage
    assert first.ai_activity == again.ai_activity
    assert first.seats == again.seats
    assert first.ai_usage != used(seed=2).company.ai_usage


def test_every_record_is_before_as_of_and_names_what_exists() -> None:
    company = used().company
    people = {membership.person for membership in company.team_memberships}
    teams = {team.team_id for team in company.teams}
    assert len({record.usage_id for record in company.ai_usage}) == len(company.ai_usage)
    for record in company.ai_usage:
        assert company.starts_on <= record.occurred_at.date()
        assert record.occurred_at < company.as_of
        assert record.person is None or record.person in people
        assert record.team_id is None or record.team_id in teams
        assert (record.person is None) == (record.api_key_id is not None)
    for activity in company.ai_activity:
        assert activity.person in people
        assert activity.activity_date < company.as_of.date()
    keys = [(a.person, a.activity_date, a.tool) for a in company.ai_activity]
    assert len(set(keys)) == len(keys)


def test_a_person_works_with_ai_only_on_days_in_the_company() -> None:
    company = used().company
    employed: dict[str, list[tuple[date, date]]] = defaultdict(list)
    for membership in company.team_memberships:
        employed[membership.person].append((membership.valid_from, membership.valid_to or date.max))
    for record in company.ai_usage:
        if record.person:
            day = record.occurred_at.date()
            assert any(start <= day < end for start, end in employed[record.person])


def test_established_users_are_active_and_the_curious_are_not() -> None:
    # Active is a person with at least four days of use in the month.
    found = used()
    adopted_in = found.company.planted.adopted_in
    days = days_used(r for r in found.company.ai_usage if r.model not in ("dall-e-3",))
    established, curious = [], []
    for month in found.months:
        for team_id in found.teams_on(month):
            for person in found.ai_users(team_id, month):
                has_adopted = team_id in adopted_in and month >= adopted_in[team_id]
                (established if has_adopted else curious).append(len(days[person, month]))
    assert max(curious) <= 2
    active = sum(count >= 4 for count in established) / len(established)
    assert active > 0.95


def test_every_token_has_a_price_on_its_day() -> None:
    # So that nothing but the trial of images is unpriced.
    articles: set[tuple[str, Article, date]] = set()
    for record in used().company.ai_usage:
        if record.other_unit_name:
            assert (tokens(record), record.other_unit_name) == (0, "image")
        tier = record.service_tier or "standard"
        plain = "standard" if tier in ("default", "batch") else tier
        is_batch = bool(record.is_batch) or tier == "batch"
        counts = (
            record.uncached_input_tokens, record.cache_read_tokens,
            record.cache_write_5m_tokens, record.cache_write_1h_tokens, record.output_tokens,
        )  # fmt: skip
        for token_class, count in zip(TOKEN_CLASSES, counts, strict=True):
            if count:
                article = Article(record.model, token_class, plain, is_batch, 0)
                articles.add((record.vendor, article, record.occurred_at.date()))
    book = PriceBook(list_prices())
    assert [used for used in articles if book.price(*used) is None] == []


def test_every_model_has_the_prices_that_its_use_takes() -> None:
    book = PriceBook(list_prices())
    missing = []
    for (vendor, role), releases in usage.RELEASES.items():
        classes = (
            TOKEN_CLASSES if vendor == "anthropic" else ("uncached_input", "cache_read", "output")
        )
        for released_on, model in releases if role != "image" else ():
            day = max(released_on, WORLD.starts_on)
            uses = [("standard", False, day)]
            if (vendor, role) == ("openai", "main"):
                uses.append(("priority", False, day))
            if vendor == "openai" and role == "small":
                uses.append(("standard", True, day))
            if vendor == "anthropic" and role == "small":
                newest = usage.model_in_use(vendor, role, usage.ANTHROPIC_BATCHES)
                if model == newest or day > usage.ANTHROPIC_BATCHES:
                    uses.append(("standard", True, usage.ANTHROPIC_BATCHES))
            missing += [
                (model, token_class, use)
                for use in uses
                for token_class in classes
                if book.price(vendor, Article(model, token_class, *use[:2], 0), use[2]) is None
            ]
    assert missing == []


@pytest.mark.parametrize(
    ("vendor", "role", "day", "model"),
    [
        ("anthropic", "main", date(2024, 7, 1), "claude-3-5-sonnet-20240620"),
        ("anthropic", "main", date(2025, 5, 21), "claude-3-7-sonnet-20250219"),
        ("anthropic", "main", date(2025, 5, 22), "claude-sonnet-4-20250514"),
        ("openai", "deep", date(2025, 6, 10), "o3"),
        ("openai", "small", date(2020, 1, 1), "gpt-4o-mini"),  # before the first of them
    ],
)
def test_the_newest_model_of_the_day_is_in_use(
    vendor: str, role: usage.Role, day: date, model: str
) -> None:
    assert usage.model_in_use(vendor, role, day) == model


def test_priority_is_openais_and_long_prompts_are_anthropics() -> None:
    records = used().company.ai_usage
    assert {r.service_tier for r in records if r.vendor == "anthropic"} <= {
        "standard", "batch", None,
    }  # fmt: skip
    assert "priority" in {r.service_tier for r in records}
    assert {r.context_window for r in records if r.vendor == "openai"} == {None}


# Pumping.


def pumped_people_days(found: Organization) -> set[tuple[str, date]]:
    """Person and day in a pumping team in the months of pumping."""
    days = set()
    for team_id in usage.pumping_teams(found):
        adopted = found.company.planted.adopted_in[team_id]
        for month in found.months[PUMPING.month :]:
            if month >= adopted:
                for person in found.ai_users(team_id, month):
                    days |= {(person, month + timedelta(days=n)) for n in range(31)}
    return days


def test_pumping_changes_nothing_but_requests_and_tokens_of_its_teams() -> None:
    plain, pumping = used(), used(PUMPING)
    where = pumped_people_days(pumping)
    assert len(plain.company.ai_usage) == len(pumping.company.ai_usage)
    changed = 0
    for before, after in zip(plain.company.ai_usage, pumping.company.ai_usage, strict=True):
        same_work = replace(
            after,
            request_count=before.request_count,
            uncached_input_tokens=before.uncached_input_tokens,
            cache_read_tokens=before.cache_read_tokens,
            cache_write_5m_tokens=before.cache_write_5m_tokens,
            cache_write_1h_tokens=before.cache_write_1h_tokens,
            output_tokens=before.output_tokens,
        )
        assert same_work == before
        if after != before:
            changed += 1
            assert (after.person, after.occurred_at.date()) in where
    assert changed
    for before, after in zip(plain.company.ai_activity, pumping.company.ai_activity, strict=True):
        assert replace(after, interactions=before.interactions) == before
    assert plain.company.seats == pumping.company.seats


def test_pumped_requests_and_tokens_rise_by_about_the_factor() -> None:
    plain, pumping = used(), used(PUMPING)
    where = pumped_people_days(pumping)
    totals: Counter[str] = Counter()
    for name, found in (("before", plain), ("after", pumping)):
        for record in found.company.ai_usage:
            own_tool = record.tool in ("claude_code", "codex")
            if own_tool and (record.person, record.occurred_at.date()) in where:
                totals[name + " requests"] += record.request_count or 1
                totals[name + " tokens"] += tokens(record)
    assert 7 < totals["after requests"] / totals["before requests"] < 13
    assert 6 < totals["after tokens"] / totals["before tokens"] < 13
    size_before = totals["before tokens"] / totals["before requests"]
    assert totals["after tokens"] / totals["after requests"] < size_before


def test_pumped_days_stop_just_above_the_quota() -> None:
    pumping = used(PUMPING)
    where = pumped_people_days(pumping)
    requests: Counter[tuple[str, date]] = Counter()
    for record in pumping.company.ai_usage:
        if record.person and record.tool != "chat":
            requests[record.person, record.occurred_at.date()] += record.request_count or 1
    pumped = [count for key, count in requests.items() if key in where]
    others = [count for key, count in requests.items() if key not in where]
    assert sum(100 <= count < 105 for count in pumped) / len(pumped) > 0.6
    assert max(pumped) < 105
    assert sum(100 <= count < 105 for count in others) == 0


def test_the_share_of_days_at_the_quota_gives_the_factor() -> None:
    # A third at 100 and the rest at 10 are 40 in the mean: four times 10.
    share = usage._share_of_days_at_quota(Pumping(factor=4, daily_request_quota=100), 10.0)
    assert share == pytest.approx(1 / 3)
    assert usage._share_of_days_at_quota(Pumping(factor=10, daily_request_quota=100), 30) == 1
    assert usage._share_of_days_at_quota(Pumping(factor=2, daily_request_quota=5), 10) == 1


# Keys and seats.


def test_the_unknown_key_is_there_with_the_lever_alone() -> None:
    def unknown(company: Company) -> list[Usage]:
        return [r for r in company.ai_usage if r.api_key_id == usage.UNKNOWN_KEY]

    plain, faulty = used().company, used(faults=("unknown_key",)).company
    assert unknown(plain) == []
    assert len(unknown(faulty)) == 20
    assert {(r.person, r.team_id) for r in unknown(faulty)} == {(None, None)}
    assert faulty.ai_usage[: len(plain.ai_usage)] == plain.ai_usage


def test_some_keys_have_a_team_and_some_have_nobody() -> None:
    keys = {r.api_key_id: r.team_id for r in used().company.ai_usage if r.api_key_id}
    assert None in keys.values()
    assert any(keys.values())


def test_a_seat_begins_with_adoption_and_ends_with_employment() -> None:
    found = used()
    company, adopted_in = found.company, found.company.planted.adopted_in
    last_days: dict[str, date | None] = {}
    for membership in company.team_memberships:
        last_days[membership.person] = (
            None
            if membership.valid_to is None or last_days.get(membership.person, 1) is None
            else max(membership.valid_to, last_days.get(membership.person) or date.min)
        )
    copilots = [seat for seat in company.seats if seat.plan == "copilot_business"]
    assert len({seat.person for seat in copilots}) == len(copilots)
    for seat in copilots:
        holder = str(seat.person)
        assert any(
            holder in found.people_of(team_id, seat.assigned_on)
            for team_id in adopted_in
            if adopted_in[team_id] <= seat.assigned_on
        )
        left = last_days[holder]
        if seat.unassigned_on:
            assert left and left <= seat.unassigned_on < company.as_of.date()
        assert (seat.monthly_price, seat.currency) == (Decimal("19.00"), "USD")


def test_some_seats_are_idle_and_only_holders_use_the_seat_tool() -> None:
    company = used().company
    holders = {seat.person for seat in company.seats if seat.vendor == "github"}
    users = {a.person for a in company.ai_activity if a.tool == "copilot"}
    assert users < holders


def test_one_department_has_a_chat_plan_with_spare_seats_in_euro() -> None:
    seats = [seat for seat in used().company.seats if seat.plan == "chatgpt_business"]
    assert {seat.currency for seat in seats} == {"EUR"}
    assert {seat.assigned_on.day for seat in seats} == {15}
    assert sum(seat.person is None for seat in seats) == 2
