"""What the log holds, as values: a recorded event with its envelope, a receipt, a batch cut at the end of an append.

What there is one of for every event or command is a named tuple: frozen dataclasses take three times as long to make.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple


class Recorded(NamedTuple):
    """One event as stored. `state` is the JSON of the fact, byte for byte as it was appended."""

    log_position: int
    stream: str
    version: int
    name: str
    state: bytes
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

    @property
    def ends_append(self) -> bool:
        """Whether readers may stop behind this event."""
        return self.append_index == self.append_size

    @property
    def append_end(self) -> int:
        """The log position of the last event of its append."""
        return self.log_position + self.append_size - self.append_index


class Receipt(NamedTuple):
    """The row that says a command was done. Positions are None where nothing was appended."""

    number: int
    command_id: str
    tenant: str
    actor: str
    key: str
    input_hash: str
    name: str
    first_log_position: int | None
    last_log_position: int | None
    answer: Mapping[str, Any]
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Events in log order up to `end`, which is the end of an append."""

    events: Sequence[Recorded]
    end: int
