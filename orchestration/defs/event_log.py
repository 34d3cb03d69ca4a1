"""Dagster's SQLite event log with its connections kept open.

Dagster's own opens a new engine for every statement; a run of ours writes some hundred events of
four statements each, and that took longer than the models they tell of.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from sqlalchemy import Connection, Engine, create_engine, event, pool

OPEN_FILES = 8  # one file per run, and the index: more need not be open at once


class EventLog(SqliteEventLogStorage):
    """The same files and tables; the newest few stay open."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Mapping[str, Any]) -> "EventLog":
        """Made by Dagster from ``dagster.yaml``."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> Engine:
        engine = self._engines.get(shard)
        if engine is None:
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=pool.StaticPool,
                connect_args={"timeout": 60, "check_same_thread": False},
            )
            event.listen(engine, "connect", _relax)
            self._initdb(engine)
            self._engines[shard] = engine
        self._engines.move_to_end(shard)
        while len(self._engines) > OPEN_FILES:
            self._engines.popitem(last=False)[1].dispose()
        return engine


def _relax(connection: Any, _: Any) -> None:
    """A power cut may lose the last events of a log, never its consistency: it is a WAL."""
    connection.execute("pragma synchronous = off")
