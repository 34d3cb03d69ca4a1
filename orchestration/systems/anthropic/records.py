"""Anthropic's payloads as records of the streams."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from orchestration.identity import Identity
from orchestration.systems._buckets import usage_id
from orchestration.systems._records import Moment, Payload, Refused, parse

Count = Annotated[int, Field(ge=0, le=10**15)]
Cents = Annotated[Decimal, Field(ge=-(10**15), le=10**15)]
NANO = Decimal("1e-9")  # the lake keeps nine decimals

PRIORITY_TIERS = ("priority", "priority_on_demand")


class CacheCreation(Payload):
    """Tokens written to a cache, by how long it keeps them."""

    ephemeral_5m_input_tokens: Count
    ephemeral_1h_input_tokens: Count


class ServerToolUse(Payload):
    """What the vendor's own tools did."""

    web_search_requests: Count


class Usage(Payload):
    """A result of the messages usage report."""

    passed_over: ClassVar[frozenset[str]] = frozenset({"account_id", "service_account_id"})

    uncached_input_tokens: Count
    cache_creation: CacheCreation
    cache_read_input_tokens: Count
    output_tokens: Count
    server_tool_use: ServerToolUse
    api_key_id: str | None = None
    workspace_id: str | None = None
    model: str | None = None
    service_tier: str | None = None
    context_window: str | None = None
    inference_geo: str | None = None
    speed: str | None = None


class Cost(Payload):
    """A result of the cost report."""

    passed_over: ClassVar[frozenset[str]] = frozenset({"speed"})

    amount: Cents
    currency: str
    cost_type: str | None = None
    description: str | None = None
    model: str | None = None
    service_tier: str | None = None
    context_window: str | None = None
    token_type: str | None = None
    inference_geo: str | None = None
    workspace_id: str | None = None


class Actor(Payload):
    """Who used Claude Code: a person, or a key."""

    type: Literal["user_actor", "api_actor"]
    email_address: str | None = None
    api_key_name: str | None = None


class LinesOfCode(Payload):
    """Lines that were accepted."""

    added: Count
    removed: Count


class CoreMetrics(Payload):
    """What was done in all sessions of the day."""

    num_sessions: Count
    lines_of_code: LinesOfCode
    commits_by_claude_code: Count
    pull_requests_by_claude_code: Count


class ToolAction(Payload):
    """How often a tool's proposals were taken."""

    accepted: Count
    rejected: Count


class Tokens(Payload):
    """Tokens of a model; ``input`` is without what a cache held or got."""

    input: Count
    output: Count
    cache_read: Count
    cache_creation: Count


class EstimatedCost(Payload):
    """What the tokens would cost by the list, in cents."""

    amount: Cents
    currency: str


class ModelUse(Payload):
    """A model's part of the day."""

    model: str
    tokens: Tokens
    estimated_cost: EstimatedCost


class ClaudeCodeDay(Payload):
    """A record of the Claude Code report."""

    passed_over: ClassVar[frozenset[str]] = frozenset({"organization_id"})

    date: Moment
    actor: Actor
    customer_type: str
    subscription_type: str | None = None
    terminal_type: str | None = None
    core_metrics: CoreMetrics
    tool_actions: dict[str, ToolAction]
    model_breakdown: list[ModelUse]


def usage(payload: Any, day: date, teams: Mapping[str, str], news: set[str]) -> dict[str, Any]:
    """A record of ``usage``. ``teams``: a key's or workspace's team. Raises Refused."""
    read = parse(Usage, payload, news)
    key, workspace = read.api_key_id, read.workspace_id
    return {
        "usage_id": usage_id(
            day, key, workspace, read.model, read.service_tier, read.context_window,
            read.inference_geo, read.speed,
        ),
        "usage_date": day,
        "model": read.model,
        "api_key_id": key,
        "workspace_id": workspace,
        "team_id": teams.get(key or "") or teams.get(workspace or ""),
        "service_tier": read.service_tier,
        "context_window": read.context_window,
        "inference_geo": read.inference_geo,
        "speed": read.speed,
        "uncached_input_tokens": read.uncached_input_tokens,
        "cache_read_tokens": read.cache_read_input_tokens,
        "cache_write_5m_tokens": read.cache_creation.ephemeral_5m_input_tokens,
        "cache_write_1h_tokens": read.cache_creation.ephemeral_1h_input_tokens,
        "output_tokens": read.output_tokens,
        "web_search_requests": read.server_tool_use.web_search_requests,
    }  # fmt: skip


def cost(payload: Any, day: date, news: set[str]) -> dict[str, Any]:
    """A record of ``costs``. Raises Refused."""
    read = parse(Cost, payload, news)
    return {
        "cost_date": day,
        "cost_type": read.cost_type,
        "token_type": read.token_type,
        "description": read.description,
        "model": read.model,
        "service_tier": read.service_tier,
        "context_window": read.context_window,
        "inference_geo": read.inference_geo,
        "workspace_id": read.workspace_id,
        "currency": read.currency,
        "amount": dollars(read.amount),
    }


def claude_code(
    payload: Any, identity: Identity, news: set[str]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A record of ``claude_code_days`` and those of ``claude_code_model_days`` below it: what was
    done stands once, whatever the number of models. Raises Refused."""
    read = parse(ClaudeCodeDay, payload, news)
    who = {
        "activity_date": read.date.date(),
        "person_id": identity.person(read.actor.email_address, "anthropic"),
        "api_key_name": identity.redact(read.actor.api_key_name or "") or None,
        "customer_type": read.customer_type,
        "terminal_type": read.terminal_type,
    }
    metrics, actions = read.core_metrics, read.tool_actions.values()
    done = {
        "subscription_type": read.subscription_type,
        "sessions": metrics.num_sessions,
        "lines_added": metrics.lines_of_code.added,
        "lines_removed": metrics.lines_of_code.removed,
        "commits": metrics.commits_by_claude_code,
        "pull_requests": metrics.pull_requests_by_claude_code,
        "accepted_actions": sum(action.accepted for action in actions),
        "rejected_actions": sum(action.rejected for action in actions),
    }
    return who | done, [who | _model(use) for use in read.model_breakdown]


def dollars(cents: Decimal) -> Decimal:
    """Minor units as whole ones: only the point moves, but for decimals past the lake's ninth."""
    return cents.scaleb(-2).quantize(NANO)


def _model(use: ModelUse) -> dict[str, Any]:
    if use.estimated_cost.currency.upper() != "USD":
        raise Refused("model_breakdown.estimated_cost.currency: not USD")
    return {
        "model": use.model,
        "input_tokens": use.tokens.input,
        "cache_read_tokens": use.tokens.cache_read,
        "cache_creation_tokens": use.tokens.cache_creation,
        "output_tokens": use.tokens.output,
        "estimated_cost_usd": dollars(use.estimated_cost.amount),
    }
