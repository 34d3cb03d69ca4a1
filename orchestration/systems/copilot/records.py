"""Copilot's payloads as records of the streams."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from orchestration.systems._records import Moment, Payload, Refused, parse

Person = Callable[[str | None], str | None]
Count = Annotated[int, Field(ge=0, lt=2**63)]
NANO = Decimal("1e-9")  # what the lake keeps of an amount
# An amount or a quantity; GitHub writes them as floats, with any number of decimals.
Amount = Annotated[
    Decimal, Field(gt=-(10**15), lt=10**15), AfterValidator(lambda value: value.quantize(NANO))
]
# What these add was never suggested: it is no acceptance of a suggestion.
AGENTS = ("agent_edit", "copilot_cli")
METERS = {"premium_request": "premium_requests", "ai_credit": "ai_credits"}
REPORT = frozenset({
    "report_start_day", "report_end_day", "organization_id", "enterprise_id", "user_id", "etl_id",
    "day_partition", "entity_id_partition", "totals_by_copilot_app",
})  # fmt: skip


class Feature(Payload):
    """What one feature did in a day."""

    feature: str
    code_generation_activity_count: Count = 0
    loc_added_sum: Count = 0


class Tokens(Payload):
    """What the command line sent to models and got back."""

    prompt_tokens_sum: Count | None = None
    output_tokens_sum: Count | None = None


class CommandLine(Payload):
    """What the command line did in a day."""

    session_count: Count | None = None
    request_count: Count | None = None
    token_usage: Tokens | None = None


class Day(Payload):
    """What a day of a person and a day of an organisation have in common."""

    day: date
    user_initiated_interaction_count: Count
    code_generation_activity_count: Count
    code_acceptance_activity_count: Count
    loc_suggested_to_add_sum: Count | None = None
    loc_suggested_to_delete_sum: Count | None = None
    loc_added_sum: Count | None = None
    loc_deleted_sum: Count | None = None


class UserDay(Day):
    """A line of the users' report."""

    passed_over: ClassVar[frozenset[str]] = REPORT | {
        "totals_by_ide", "totals_by_language_feature", "totals_by_language_model",
        "totals_by_model_feature", "totals_by_3rd_party_agent", "ai_adoption_phase",
        "used_copilot_code_review_active", "used_copilot_code_review_passive",
    }  # fmt: skip

    user_login: str | None = None
    ai_credits_used: Amount | None = None
    used_chat: bool | None = None
    used_agent: bool | None = None
    used_cli: bool | None = None
    used_copilot_coding_agent: bool | None = None
    used_copilot_cloud_agent: bool | None = None
    totals_by_feature: list[Feature] = []
    totals_by_cli: CommandLine | None = None


class OrganizationDay(Day):
    """The line of the organisation's or the enterprise's report."""

    passed_over: ClassVar[frozenset[str]] = REPORT | {
        "totals_by_ide", "totals_by_feature", "totals_by_language_feature",
        "totals_by_language_model", "totals_by_model_feature", "totals_by_cli",
        "totals_by_3rd_party_agent", "totals_by_ai_adoption_phase", "pull_requests",
        "ai_credits_used", "daily_active_cli_users", "monthly_active_chat_users",
        "monthly_active_agent_users",
        *(
            f"{period}_{what}_users"
            for period in ("daily", "weekly", "monthly")
            for what in (
                "active_copilot_cloud_agent", "active_copilot_coding_agent",
                "active_copilot_code_review", "passive_copilot_code_review",
            )
        ),
    }  # fmt: skip

    daily_active_users: Count
    weekly_active_users: Count | None = None
    monthly_active_users: Count | None = None


class UserTeamDay(Payload):
    """A line of the report of who is in which team."""

    passed_over: ClassVar[frozenset[str]] = REPORT

    day: date
    user_login: str | None = None
    team_id: int
    slug: str | None = None


class User(Payload):
    """The holder of a seat."""

    login: str | None = None


class Team(Payload):
    """The team through which a seat was given."""

    slug: str | None = None


class Seat(Payload):
    """A seat of the list."""

    passed_over: ClassVar[frozenset[str]] = frozenset(
        {"organization", "updated_at", "last_authenticated_at"}
    )

    created_at: Moment
    assignee: User | None = None
    assigning_team: Team | None = None
    plan_type: str | None = None
    pending_cancellation_date: date | None = None
    last_activity_at: Moment | None = None
    last_activity_editor: str | None = None


class Item(Payload):
    """What the items of all billing reports have in common."""

    product: str
    sku: str
    unit: str = Field(alias="unitType")
    unit_price: Amount = Field(alias="pricePerUnit")
    gross_amount: Amount = Field(alias="grossAmount")
    discount_amount: Amount = Field(alias="discountAmount")
    net_amount: Amount = Field(alias="netAmount")


class UsageItem(Item):
    """An item of the bill."""

    passed_over: ClassVar[frozenset[str]] = frozenset({"repositoryName"})

    date: Moment
    quantity: Amount
    organization: str | None = Field(alias="organizationName", default=None)


class ModelItem(Item):
    """An item of a report by model."""

    model: str | None = None
    gross_quantity: Amount = Field(alias="grossQuantity")
    discount_quantity: Amount = Field(alias="discountQuantity")
    net_quantity: Amount = Field(alias="netQuantity")


def user_day(payload: Any, day: date, person: Person, news: set[str]) -> dict[str, Any]:
    """A record of ``user_days``. Raises Refused."""
    read = parse(UserDay, payload, news)
    agents = [f for f in read.totals_by_feature if f.feature in AGENTS]
    line = read.totals_by_cli or CommandLine()
    tokens = line.token_usage or Tokens()
    coding_agent = (read.used_copilot_coding_agent, read.used_copilot_cloud_agent)
    return _day(read, day) | {
        "person_id": person(read.user_login),
        "agent_generations": sum(f.code_generation_activity_count for f in agents)
        if agents
        else None,
        "agent_lines_added": sum(f.loc_added_sum for f in agents) if agents else None,
        "cli_sessions": line.session_count,
        "cli_requests": line.request_count,
        "cli_prompt_tokens": tokens.prompt_tokens_sum,
        "cli_output_tokens": tokens.output_tokens_sum,
        "ai_credits": read.ai_credits_used,
        "used_chat": read.used_chat,
        "used_agent": read.used_agent,
        "used_cli": read.used_cli,
        # Two names of one thing; an older report has neither.
        "used_coding_agent": None if coding_agent == (None, None) else any(coding_agent),
    }


def organization_day(payload: Any, day: date, account: str, news: set[str]) -> dict[str, Any]:
    """A record of ``organization_days``. Raises Refused."""
    read = parse(OrganizationDay, payload, news)
    return _day(read, day) | {
        "account": account,
        "daily_active_users": read.daily_active_users,
        "weekly_active_users": read.weekly_active_users,
        "monthly_active_users": read.monthly_active_users,
    }


def user_team_day(payload: Any, day: date, person: Person, news: set[str]) -> dict[str, Any]:
    """A record of ``user_team_days``. Raises Refused."""
    read = parse(UserTeamDay, payload, news)
    _same_day(read.day, day)
    return {
        "activity_date": read.day,
        "person_id": person(read.user_login),
        "team_id": str(read.team_id),
        "team": read.slug,
    }


def seat(
    payload: Any, person: Person, prices: Mapping[str, Decimal], news: set[str]
) -> dict[str, Any]:
    """A record of ``seats``, without its day. Raises Refused."""
    read = parse(Seat, payload, news)
    plan = (read.plan_type or "unknown").lower()
    editor, _, _ = (read.last_activity_editor or "").partition("/")
    return {
        "person_id": person(read.assignee.login) if read.assignee else None,
        "assigned_at": read.created_at,
        "plan": plan,
        "team": read.assigning_team.slug if read.assigning_team else None,
        "monthly_price": prices.get(plan),
        "pending_cancellation_date": read.pending_cancellation_date,
        "last_activity_at": read.last_activity_at,
        "last_activity_editor": editor or None,
    }


def numbered(seats: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The seats of a snapshot, those that nobody holds told apart. The first given of a person
    comes last, so that it is the one that stays: several organisations of an enterprise may list
    the same person, and it is one seat that is billed."""
    count: Counter[str] = Counter()
    for record in sorted(seats, key=lambda s: s["assigned_at"], reverse=True):
        unnamed = None
        if record["person_id"] is None:
            given = f"{record['assigned_at']:%Y-%m-%dT%H:%M:%SZ}"
            count[given] += 1
            unnamed = f"{given} {count[given]}"
        yield dict(record) | {"unnamed_seat_id": unnamed}


def is_copilot(payload: Any) -> bool:
    """Whether an item of a bill is Copilot's; what cannot be told is."""
    product = payload.get("product") if isinstance(payload, Mapping) else None
    return not isinstance(product, str) or product.lower().startswith("copilot")


def billing_item(payload: Any, report: str, month: date, news: set[str]) -> dict[str, Any]:
    """A record of ``billing_items``. Raises Refused."""
    if report == "usage":
        used = parse(UsageItem, payload, news)
        own: dict[str, Any] = {
            "usage_date": used.date.date(),
            "organization": used.organization,
            "meter": _meter(used),
            "gross_quantity": used.quantity,
        }
        item: Item = used
    else:
        by_model = parse(ModelItem, payload, news)
        own = {
            "meter": METERS[report],
            "model": by_model.model or None,
            "gross_quantity": by_model.gross_quantity,
            "discount_quantity": by_model.discount_quantity,
            "net_quantity": by_model.net_quantity,
        }
        item = by_model
    return own | {
        "report": report,
        "month": month,
        "product": item.product,
        "sku": item.sku,
        "unit": item.unit,
        "unit_price": item.unit_price,
        "gross_amount": item.gross_amount,
        "discount_amount": item.discount_amount,
        "net_amount": item.net_amount,
    }


def _meter(item: Item) -> str:
    """Which report has the item by model: GitHub spells its names in several ways."""
    words = f"{item.sku} {item.unit}".lower().replace("_", " ").replace("-", " ")
    if "premium request" in words:
        return "premium_requests"
    if "ai credit" in words or "ai unit" in words:
        return "ai_credits"
    return "other"


def _day(read: Day, day: date) -> dict[str, Any]:
    _same_day(read.day, day)
    return {
        "activity_date": read.day,
        "interactions": read.user_initiated_interaction_count,
        "generations": read.code_generation_activity_count,
        "acceptances": read.code_acceptance_activity_count,
        "suggested_lines_added": read.loc_suggested_to_add_sum,
        "suggested_lines_deleted": read.loc_suggested_to_delete_sum,
        "lines_added": read.loc_added_sum,
        "lines_deleted": read.loc_deleted_sum,
    }


def _same_day(said: date, asked: date) -> None:
    if said != asked:
        raise Refused("the day is another one than was asked for")
