"""A decoded event with what every check needs of its envelope; the whole of that is made only for who asks."""

from datetime import timedelta
from typing import Any, NamedTuple

from application.evidence.leaves import StoredEvent
from application.log import Recorded
from application.store import EVENT_COLUMNS
from interfaces.audit.snapshot import MOMENT_ZERO

COLUMNS = tuple(EVENT_COLUMNS.split(", "))
UUIDS = {"event_id", "command_id", "correlation_id", "causation_id"}

_MICROSECONDS = int(MOMENT_ZERO.timestamp()) * 1_000_000


class Fact(NamedTuple):
    """An event of the log. `row` is its envelope as read: uuids as bytes, its moment as a number."""

    log_position: int
    tenant: str
    stream: str
    name: str
    ends_append: bool
    state: bytes
    event: Any
    row: tuple[Any, ...]

    def recorded(self) -> Recorded:
        """Return the event as read models are given it."""
        named = zip(COLUMNS, self.row, strict=True)
        values = [value.hex() if value and column in UUIDS else value for column, value in named]
        values[-1] = MOMENT_ZERO + timedelta(microseconds=self.row[-1])
        return Recorded(*values)


def stored(row: tuple[Any, ...]) -> StoredEvent:
    """Return an event as its leaf is hashed of it."""
    position, stream, version, name, state, event, tenant, actor, command, correlation, causation = row[:11]
    append_id, index, size, moment = row[11:]
    return StoredEvent(
        position,
        stream,
        version,
        name,
        moment + _MICROSECONDS,
        event.hex(),
        tenant,
        actor,
        command.hex(),
        correlation.hex(),
        causation.hex() if causation else None,
        append_id,
        index,
        size,
        state,
    )
