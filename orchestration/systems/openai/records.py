"""OpenAI's payloads as records of the streams."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import Field

from orchestration.identity import Identity
from orchestration.systems._buckets import usage_id
from orchestration.systems._records import Payload, Refused, parse
from orchestration.systems.openai.client import Kind

Count = Annotated[int, Field(ge=0, le=10**15)]
Quantity = Annotated[Decimal, Field(ge=0, le=10**18)]
Amount = Annotated[Decimal, Field(ge=-(10**15), le=10**15)]
NANO = Decimal("1e-9")  # the lake keeps nine decimals

# The model in a line such as "gpt-5.2, cached input", "evals | gpt-4o, input" or "gpt-image-1
# text, input". A line without a comma ("web search tool calls"), or with words before it that no
# model is called, names none.
MODEL = re.compile(
    r"(?:[^|,]+ \| )?(?=[^,]*[\d-])([A-Za-z0-9][\w.:/-]*)(?: (?:text|audio|image))?, \S.*"
)


class Named(Payload):
    """What every result may say of where it belongs."""

    passed_over: ClassVar[frozenset[str]] = frozenset({
        "object", "api_source", "organization_id", "organization_name", "project_name",
        "user_email", "api_key_name",
    })  # fmt: skip

    project_id: str | None = None
    user_id: str | None = None
    api_key_id: str | None = None
    model: str | None = None
    batch: bool | None = None
    service_tier: str | None = None


class Tokens(Named):
    """A result of completions or decisions. ``input_tokens`` is all input, whatever the kind of
    it and whether a cache held it, got it or neither; the rest are parts of it."""

    passed_over: ClassVar[frozenset[str]] = Named.passed_over | {
        "input_text_tokens", "input_cached_text_tokens", "input_image_tokens",
        "input_cached_image_tokens", "output_text_tokens", "output_image_tokens",
    }  # fmt: skip

    input_tokens: Count
    output_tokens: Count
    num_model_requests: Count
    input_uncached_tokens: Count | None = None
    input_cached_tokens: Count | None = None
    input_cache_write_tokens: Count | None = None
    input_cache_write_30m_tokens: Count | None = None
    input_cache_write_12h_tokens: Count | None = None
    input_audio_tokens: Count | None = None
    input_cached_audio_tokens: Count | None = None
    output_audio_tokens: Count | None = None


class Texts(Named):
    """A result of embeddings or moderations."""

    input_tokens: Count
    num_model_requests: Count


class Units(Named):
    """A result that is counted in something else than tokens."""

    passed_over: ClassVar[frozenset[str]] = Named.passed_over | {
        "size", "source", "vector_store_id", "context_level",
    }  # fmt: skip

    num_model_requests: Count | None = None


class Counted(Payload):
    """The field that counts what is not tokens."""

    quantity: Quantity


class Money(Payload):
    """An amount; the vendor writes it as a number or, with many decimals, as text."""

    value: Amount
    currency: str


class Cost(Payload):
    """A result of the costs."""

    passed_over: ClassVar[frozenset[str]] = Named.passed_over | {"user_id"}

    amount: Money
    line_item: str | None = None
    project_id: str | None = None
    api_key_id: str | None = None
    quantity: Quantity | None = None
    quantity_unit: str | None = None


class User(Payload):
    """A member of the organisation."""

    id: str
    email: str | None = None


def user(payload: Any, identity: Identity) -> tuple[str, str | None]:
    """A member's id and who that is. Raises Refused."""
    read = parse(User, payload)
    return read.id, identity.person(read.email, "openai")


def usage(
    kind: Kind, payload: Any, day: date, people: "People", teams: Mapping[str, str], news: set[str]
) -> dict[str, Any]:
    """A record of ``usage``. ``teams``: a key's or project's team. Raises Refused."""
    read, counted = _counted(kind, payload, news)
    key, project = read.api_key_id, read.project_id
    return {
        "usage_id": usage_id(
            day, kind.name, project, people.key(read.user_id), key, read.model, read.batch,
            read.service_tier,
        ),
        "usage_date": day,
        "kind": kind.name,
        "person_id": people.person(read.user_id),
        "project_id": project,
        "api_key_id": key,
        "team_id": teams.get(key or "") or teams.get(project or ""),
        "model": read.model,
        "service_tier": read.service_tier,
        "is_batch": read.batch,
        **counted,
    }  # fmt: skip


class People:
    """Who the members are, by id. Somebody who is none any more has a key, but is nobody."""

    def __init__(self, identity: Identity, members: Mapping[str, str | None]) -> None:
        self._identity, self._members = identity, members

    def person(self, user_id: str | None) -> str | None:
        """The person, where it is a member."""
        return self._members.get(user_id or "")

    def key(self, user_id: str | None) -> str | None:
        """What tells users apart without naming them."""
        return self._identity.person(user_id, "openai")


def cost(payload: Any, day: date, news: set[str]) -> dict[str, Any]:
    """A record of ``costs``. Raises Refused."""
    read = parse(Cost, payload, news)
    return {
        "cost_date": day,
        "line_item": read.line_item,
        "model": model(read.line_item),
        "project_id": read.project_id,
        "api_key_id": read.api_key_id,
        "currency": read.amount.currency,
        "amount": read.amount.value.quantize(NANO),
        "quantity": None if read.quantity is None else read.quantity.quantize(NANO),
        "quantity_unit": read.quantity_unit,
    }


def model(line_item: str | None) -> str | None:
    """The model that a line of the costs names, if it is beyond doubt."""
    found = MODEL.fullmatch((line_item or "").strip())
    return found[1] if found else None


def _counted(kind: Kind, payload: Any, news: set[str]) -> tuple[Named, dict[str, Any]]:
    if kind.counter:
        # The one field that has another name for each kind.
        rest = dict(payload) if isinstance(payload, Mapping) else {}
        try:
            quantity = parse(Counted, {"quantity": rest.pop(kind.counter, None)}).quantity
        except Refused:
            raise Refused(f"{kind.counter}: not a count") from None
        units = parse(Units, rest, news)
        return units, {
            # A web search's request to the model stands among the completions already.
            "requests": None if kind.unit == "web_search_call" else units.num_model_requests,
            "other_units": quantity.quantize(NANO),
            "other_unit_name": kind.unit,
        }
    if kind.name in ("embeddings", "moderations"):
        texts = parse(Texts, payload, news)
        return texts, {
            "requests": texts.num_model_requests, "uncached_input_tokens": texts.input_tokens
        }  # fmt: skip
    tokens = parse(Tokens, payload, news)
    return tokens, {"requests": tokens.num_model_requests, **_classes(tokens)}


def _classes(read: Tokens) -> dict[str, Any]:
    """Disjoint classes that add up to the totals; audio, which has other prices, apart. What the
    vendor says of them must fit what it says of all."""
    cached, audio = read.input_cached_tokens or 0, read.input_audio_tokens or 0
    cached_audio, audio_out = read.input_cached_audio_tokens or 0, read.output_audio_tokens or 0
    long_writes = read.input_cache_write_12h_tokens or 0
    writes = read.input_cache_write_tokens
    if writes is None:
        writes = long_writes + (read.input_cache_write_30m_tokens or 0)
    uncached = read.input_tokens - cached - writes
    if uncached < 0 or read.input_uncached_tokens not in (None, uncached):
        raise Refused("input_tokens: not the sum of what is uncached, cached and cache-written")
    classes = {
        "uncached_input_tokens": uncached - audio,
        "cache_read_tokens": cached - cached_audio,
        "cache_write_30m_tokens": writes - long_writes,
        "cache_write_12h_tokens": long_writes,
        "output_tokens": read.output_tokens - audio_out,
        "audio_input_tokens": audio,
        "audio_cache_read_tokens": cached_audio,
        "audio_output_tokens": audio_out,
    }
    if min(classes.values()) < 0:
        raise Refused("audio or cache-write tokens: more than all of their kind")
    return classes
