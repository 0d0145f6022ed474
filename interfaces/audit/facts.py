"""A decoded event with what every check needs of its envelope; the whole of that is made only for who asks."""

from typing import Any, NamedTuple

from application.log import Recorded
from application.store import EVENT_COLUMNS

COLUMNS = tuple(EVENT_COLUMNS.split(", "))
UUIDS = {"event_id", "command_id", "correlation_id", "causation_id"}


class Fact(NamedTuple):
    """An event of the log. `row` is its envelope as read, uuids as bytes."""

    log_position: int
    tenant: str
    stream: str
    name: str
    ends_append: bool
    event: Any
    row: tuple[Any, ...]

    def recorded(self) -> Recorded:
        """Return the event as read models are given it."""
        named = zip(COLUMNS, self.row, strict=True)
        return Recorded(*(value.hex() if value and column in UUIDS else value for column, value in named))
