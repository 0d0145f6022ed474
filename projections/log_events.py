"""The log as an auditor of one tenant reads it: its events, as stored, newest first."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from application.evidence.leaves import StoredEvent
from application.store import Connection
from domain.errors import NotFound
from projections.paging import LAST, page_of, read_cursor
from projections.reading import Page, fetch, where

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(kw_only=True, eq=False)
class UnknownEvent(NotFound):
    """The tenant's log has no such event."""

    code: ClassVar[str] = "unknown_event"
    sentence: ClassVar[str] = "There is no such event."


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """An event with its envelope. `state` is the JSON of the fact, byte for byte."""

    log_position: int
    stream: str
    version: int
    type: str
    event_id: str
    tenant: str
    actor: str
    command_id: str
    correlation_id: str
    causation_id: str | None
    append_id: int
    append_index: int
    append_size: int
    recorded_at: datetime
    state: bytes

    @property
    def fact(self) -> Mapping[str, Any]:
        """The fact itself."""
        said: Mapping[str, Any] = json.loads(self.state)
        return said

    def stored(self) -> StoredEvent:
        """Return the event as its leaf is hashed of it."""
        since = self.recorded_at - _EPOCH
        recorded_us = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
        return StoredEvent(
            self.log_position,
            self.stream,
            self.version,
            self.type,
            recorded_us,
            self.event_id,
            self.tenant,
            self.actor,
            self.command_id,
            self.correlation_id,
            self.causation_id,
            self.append_id,
            self.append_index,
            self.append_size,
            self.state,
        )


_COLUMNS = """
    log_position, stream, version, type, event_id, tenant, actor, command_id, correlation_id, causation_id, append_id,
    append_index, append_size, recorded_at, state
"""
_CONDITIONS = {
    "before": "log_position < %(before)s",
    "stream": "stream = %(stream)s",
    "type": "type = %(type)s",
    "actor": "actor = %(actor)s",
    "recorded_from": "recorded_at >= %(recorded_from)s",
    "recorded_to": "recorded_at < %(recorded_to)s",
}
_LIST = "SELECT {columns} FROM read.events WHERE {conditions} ORDER BY log_position DESC LIMIT %(limit)s"
_AT = f"SELECT {_COLUMNS} FROM read.events WHERE log_position = %(log_position)s"
_HEAD = "SELECT coalesce(max(log_position), 0) AS log_position FROM read.events"


async def list_events(
    connection: Connection,
    *,
    stream: str | None = None,
    type: str | None = None,  # noqa: A002 - the column's name
    actor: str | None = None,
    recorded_from: datetime | None = None,
    recorded_to: datetime | None = None,
    limit: int,
    cursor: str | None = None,
) -> Page[LoggedEvent]:
    """List events of the connection's tenant, newest first; recorded from (inclusive) to (exclusive)."""
    (before,) = read_cursor(cursor, LAST)
    wanted = {
        "before": before, "stream": stream, "type": type, "actor": actor, "recorded_from": recorded_from,
        "recorded_to": recorded_to,
    }  # fmt: skip
    query = _LIST.format(columns=_COLUMNS, conditions=where(_CONDITIONS, wanted))
    found = await fetch(connection, _event, query, {**wanted, "limit": limit + 1})
    head = await own_head(connection)
    return page_of(found, limit=limit, log_position=head, cursor_of=lambda one: (one.log_position,))


async def get_event(connection: Connection, log_position: int) -> LoggedEvent:
    """Return one event of the connection's tenant. Raises `UnknownEvent`."""
    found = await fetch(connection, _event, _AT, {"log_position": log_position})
    if not found:
        raise UnknownEvent
    return found[0]


async def own_head(connection: Connection) -> int:
    """Return the log position of the tenant's last event."""
    (row,) = await fetch(connection, dict[str, int], _HEAD)
    return row["log_position"]


def _event(**columns: Any) -> LoggedEvent:
    columns |= {name: value.hex for name, value in columns.items() if isinstance(value, UUID)}
    return LoggedEvent(**columns)
