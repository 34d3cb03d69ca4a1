"""The warehouses: where dbt builds, how the lake gets in and how what passed gets out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from orchestration.lake import Stream


class WarehouseError(Exception):
    """A warehouse that cannot be used, in one line with the fix."""


@dataclass(frozen=True)
class Table:
    """A table to publish: ``built_in`` is the schema dbt built it in, ``schema`` the public one."""

    schema: str
    name: str
    built_in: str
    description: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Published:
    """The one row of ``ops.published``. Moments are UTC without a zone."""

    published_at: datetime
    as_of: datetime
    version: str
    git_commit: str | None
    minimum_group_size: int


PUBLISHED = Table(
    "ops",
    "published",
    "",
    "One row per publication: this one. What the tables beside it are a function of.",
    {
        "published_at": "When it was published (UTC)",
        "as_of": "The moment it looks from: what happened at or after it is not in it (UTC)",
        "version": "The version of valuemaxx",
        "git_commit": "The commit of the checkout that built it",
        "minimum_group_size": "Nothing about AI use is shown for fewer people than this",
    },
)


class Warehouse(Protocol):
    """What every warehouse can do."""

    def load(self, streams: Sequence[Stream]) -> None:
        """Makes the lake's batches readable as dbt's sources."""

    def copy(self, tables: Sequence[Table], published: Published, target: Path) -> None:
        """Publishes the tables into the folder ``target``, and where the warehouse is a server,
        into its public schemas: all of them or none."""

    def reachable(self) -> None:
        """Raises WarehouseError, in one line with the fix, if it cannot be built in."""
