"""The history of a repository's lines as tables, continued from where the lake's ends.

The state that the next reading goes on from lands as one batch, with the step it stands at; a
reading that was stopped before that batch is simply done again from the step before. Births and
deaths of steps that are no longer on the main line are left out, so they land as deletions.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.systems.git.client import Clone, GitError
from orchestration.systems.git.line_changes import LineChanges, unquoted
from orchestration.systems.git.lines import LineLedger
from orchestration.systems.git.records import FileKinds

# Raised when the same history would give other lines.
READER = 1
STATE = ""  # instead of a path's hash: the row that says which step the owners stand at


@dataclass(frozen=True)
class LineTables:
    """What the lake has, or should have, of one repository's lines, without the schema's order."""

    births: pa.Table
    deaths: pa.Table
    owners: pa.Table


def read_lines(
    clone: Clone,
    repository: str,
    mainline: Sequence[str],
    kinds: FileKinds,
    known: LineTables | None,
    read_by: str,
) -> LineTables:
    """The lines of a main line, from its root on, or from where ``known`` ends if that was
    ``read_by`` the same reader and still lies on it. GitError if objects are missing."""
    read_by = hashlib.sha256(repr((READER, kinds.fingerprint, read_by)).encode()).hexdigest()[:12]
    files, done = _standing(known, mainline, read_by)
    positions = {sha: number for number, sha in enumerate(mainline, start=1)}
    cut = clone.boundary()
    with LineChanges.of(clone) as changes:

        def kind_of(path: str) -> int:
            return kinds.names.index(kinds.kind(unquoted(path).decode("utf-8", "replace")))

        def blame(sha: str, path: str) -> list[int]:
            return [positions[owner] for owner in changes.blame(sha, path)]

        ledger = LineLedger(kind_of, blame, done, files)
        try:
            for step in changes.steps(mainline, done):
                ledger.take(step, step.sha in cut)
        except ValueError as error:
            raise GitError(str(error)) from error
    births, deaths = _rows(ledger, repository, mainline, kinds.names)
    if known is not None and done:
        kept = pa.array(mainline[:done], pa.string())
        births = pa.concat_tables([_of(known.births, kept, births.schema), births])
        deaths = pa.concat_tables([_of(known.deaths, kept, deaths.schema), deaths])
    state: dict[str, str | None] = {
        STATE: f"{read_by} {len(mainline)} {mainline[-1]}" if mainline else read_by
    }
    state |= ledger.state()
    owners = pa.table(
        {
            "repository": pa.array([repository] * len(state), pa.string()),
            "path_hash": pa.array(state, pa.string()),
            "owners": pa.array(state.values(), pa.string()),
        }
    )
    return LineTables(births, deaths, owners)


def _standing(
    known: LineTables | None, mainline: Sequence[str], read_by: str
) -> tuple[dict[str, str | None], int]:
    """The files as the lake knows them, and how many steps that is after; nothing if the main
    line has left that step or it was read otherwise."""
    if known is None:
        return {}, 0
    files: dict[str, str | None] = {
        row["path_hash"]: row["owners"] for row in known.owners.to_pylist()
    }
    reader, *step = (files.pop(STATE, None) or "nobody").split()
    if reader != read_by or len(step) != 2:
        return {}, 0
    done = int(step[0])
    is_on_it = done <= len(mainline) and mainline[done - 1] == step[1]
    return (files, done) if is_on_it else ({}, 0)


def _of(known: pa.Table, shas: Any, schema: pa.Schema) -> pa.Table:
    rows = known.filter(pc.is_in(known["commit_sha"], value_set=shas))
    return rows.select(schema.names).cast(schema)


def _rows(
    ledger: LineLedger, repository: str, mainline: Sequence[str], kinds: Sequence[str]
) -> tuple[pa.Table, pa.Table]:
    # Position 0 is nobody's.
    shas = pa.array([None, *mainline], pa.string())
    names = pa.array(kinds, pa.string())

    def taken(values: Any, numbers: Collection[int]) -> Any:
        return values.take(pa.array(numbers, pa.int64()))

    born, died = ledger.births, ledger.removals
    births = pa.table(
        {
            "repository": pa.array([repository] * len(born.lines), pa.string()),
            "commit_sha": taken(shas, born.positions),
            "file_kind": taken(names, born.kinds),
            "line_count": pa.array(born.lines, pa.int64()),
        }
    )
    deaths = pa.table(
        {
            "repository": pa.array([repository] * len(died.lines), pa.string()),
            "commit_sha": taken(shas, died.positions),
            "born_commit_sha": taken(shas, died.born),
            "file_kind": taken(names, died.kinds),
            "line_count": pa.array(died.lines, pa.int64()),
            "replaced_line_count": pa.array(died.replaced, pa.int64()),
            "copied_line_count": pa.array(died.copied, pa.int64()),
        }
    )
    return births, deaths
