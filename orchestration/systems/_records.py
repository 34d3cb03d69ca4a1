"""Payloads checked at the door: what a vendor sent against what we read of it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

KEPT_WHOLE = ("id", "number", "key", "date", "day")  # what finds a refused record again


class Refused(Exception):
    """A record that does not fit: the reason, without any of its values."""


def _utc(moment: datetime) -> datetime:
    """UTC without a zone, as in the lake; a moment without one is taken for UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


Moment = Annotated[datetime, AfterValidator(_utc)]


class Payload(BaseModel):
    """What we read of an object that a vendor sends. ``passed_over`` names the rest that it is
    known to have; a field that is in neither is news, and reported."""

    model_config = ConfigDict(frozen=True)
    passed_over: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def known(cls) -> frozenset[str]:
        """The field names that are no news."""
        names = {field.alias or name for name, field in cls.model_fields.items()}
        return frozenset(names) | cls.passed_over


Model = TypeVar("Model", bound=Payload)


def parse(model: type[Model], payload: Any, news: set[str] | None = None) -> Model:
    """The payload as ``model``; names of fields that nobody knows go to ``news``.
    Raises Refused."""
    try:
        parsed = model.model_validate(payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the record"
        raise Refused(f"{place}: {first['msg'].removeprefix('Value error, ')}") from None
    if news is not None and isinstance(payload, Mapping):
        news.update(payload.keys() - model.known())
    return parsed


def outline(payload: Any) -> dict[str, Any]:
    """What may be kept of a refused record: its ids, and the kind of everything else. It holds
    nobody's name and no text."""
    if not isinstance(payload, Mapping):
        return {"kind": _kind(payload)}
    return {
        str(name): value
        if name in KEPT_WHOLE and isinstance(value, int | str) and "@" not in str(value)
        else _kind(value)
        for name, value in payload.items()
    }


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "object"
    return {"str": "text", "bool": "yes or no", "list": "list"}.get(type(value).__name__, "number")
