"""What the lake holds and how the last reading went, landed as streams of its own, so that the
warehouse can say how complete and how fresh its numbers are."""

from collections.abc import Iterable, Sequence

import pyarrow as pa

from orchestration.lake import Field, Lake, Outcome, Stream

BATCHES = Stream(
    "valuemaxx", "batches", "a committed batch", ("system", "stream", "batch_id"), "keyed",
    (
        Field("system", "string", "The system it came from"),
        Field("stream", "string", "The stream it belongs to"),
        Field("batch_id", "string", "Its number and time"),
        Field("scope", "string", "The file, repository or account it covers"),
        Field("stretch", "string", "The stretch of time it covers, or whole"),
        Field("rows_read", "integer", "Records read: landed + quarantined"),
        Field("rows_landed", "integer", "Records landed"),
        Field("rows_quarantined", "integer", "Records refused"),
        Field("newest_record_at", "timestamp", "The newest record's date"),
        Field("extracted_at", "timestamp", "When it was read"),
    ),
    dated_by="extracted_at",
)  # fmt: skip

STREAM_LIST = Stream(
    "valuemaxx", "streams", "a stream of an enabled system", ("system", "stream"), "keyed",
    (
        Field("system", "string", "The system"),
        Field("stream", "string", "The stream"),
        Field("fold", "string", "How its batches fold: keyed or replaced"),
    ),
)  # fmt: skip

OUTCOMES = Stream(
    "valuemaxx", "outcomes", "a scope in the last run", ("system", "scope"), "keyed",
    (
        Field("system", "string", "The system"),
        Field("scope", "string", "The file, repository or account"),
        Field("status", "string", "read, warning, missing or failed"),
        Field("message", "string", "One line for people"),
    ),
)  # fmt: skip

STREAMS = (BATCHES, STREAM_LIST, OUTCOMES)


def write(lake: Lake, streams: Sequence[Stream]) -> None:
    """Lands the list of ``streams`` and of their batches, where it changed."""
    lake.ensure(STREAMS)
    batches = [
        {
            "system": stream.system, "stream": stream.name, "batch_id": batch.batch_id,
            "scope": batch.scope, "stretch": str(batch.window), "rows_read": batch.rows_read,
            "rows_landed": batch.rows_landed, "rows_quarantined": batch.rows_quarantined,
            "newest_record_at": batch.newest_record_at, "extracted_at": batch.extracted_at,
        }
        for stream in streams
        for batch in lake.batches(stream)
    ]  # fmt: skip
    listed = [{"system": s.system, "stream": s.name, "fold": s.fold} for s in streams]
    for stream, rows in ((BATCHES, batches), (STREAM_LIST, listed)):
        lake.write_changes(stream, "lake", pa.Table.from_pylist(rows, stream.schema))


def write_outcomes(lake: Lake, system: str, outcomes: Iterable[Outcome]) -> None:
    """Lands how the reading of a system went, where it changed. To a reader of the warehouse
    ``landed`` and ``unchanged`` are one state, read, and need no words."""
    lake.ensure(STREAMS)
    rows = {
        outcome.scope: {
            "system": system, "scope": outcome.scope,
            **({"status": "read"} if outcome.status in ("landed", "unchanged") else
               {"status": outcome.status, "message": outcome.message}),
        }
        for outcome in outcomes
    }  # fmt: skip
    table = pa.Table.from_pylist(list(rows.values()), OUTCOMES.schema)
    lake.write_changes(OUTCOMES, system, table)


def troubles(lake: Lake, system: str) -> list[Outcome]:
    """The scopes of the last reading of a system that somebody should look at."""
    rows = lake.current(OUTCOMES, system).to_pylist()
    return [Outcome(**row) for row in rows if row["status"] != "read"]
