"""What is hashed of an event and of a receipt: every column, as stored, each behind its length (`fields_of`).

Times are written as microseconds since 1970 in UTC, ids as 32 hexadecimal digits.
"""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from domain.merkle import field_of, fields_of, leaf_of

_MICROSECONDS = "(extract(epoch FROM recorded_at) * 1000000)::bigint"
CHAIN_START = bytes(32)


class StoredEvent(NamedTuple):
    """A row of log.events."""

    log_position: int
    stream: str
    version: int
    type: str
    recorded_us: int
    event_id: str
    tenant: str
    actor: str
    command_id: str
    correlation_id: str
    causation_id: str | None
    append_id: int
    append_index: int
    append_size: int
    state: bytes

    @property
    def number(self) -> int:
        """Its number in its tree, from 1."""
        return self.log_position


class StoredReceipt(NamedTuple):
    """A row of log.receipts; `answer` is the JSON text as stored."""

    number: int
    command_id: str
    tenant: str
    actor: str
    key: str
    input_hash: str
    name: str
    first_log_position: int | None
    last_log_position: int | None
    answer: str
    recorded_us: int


Stored = StoredEvent | StoredReceipt

EVENT_FIELDS = f"""
    notification_id, originator_id, originator_version, topic, {_MICROSECONDS}, encode(uuid_send(event_id), 'hex'),
    tenant, actor, encode(uuid_send(command_id), 'hex'), encode(uuid_send(correlation_id), 'hex'),
    encode(uuid_send(causation_id), 'hex'), append_id, append_index, append_size, state
"""
"""Columns of log.events in the order of `StoredEvent`."""
RECEIPT_FIELDS = f"""
    number, encode(uuid_send(command_id), 'hex'), tenant, actor, key, encode(input_hash, 'hex'), name,
    first_log_position, last_log_position, answer::text, {_MICROSECONDS}
"""
"""Columns of log.receipts in the order of `StoredReceipt`."""


def leaf_hash(stored: Stored) -> bytes:
    """Return the hash of an event's or receipt's leaf (RFC 6962: SHA-256 over 0x00 and the data)."""
    return event_leaf_hash(*stored) if isinstance(stored, StoredEvent) else leaf_of(fields_of(stored))


def event_leaf_hash(  # noqa: PLR0917 - the fields of `StoredEvent`, which need not be made for this
    log_position: int, stream: str, version: int, type_: str, recorded_us: int, event_id: str, tenant: str, actor: str,
    command_id: str, correlation_id: str, causation_id: str | None, append_id: int, append_index: int,
    append_size: int, state: bytes,
) -> bytes:  # fmt: skip
    """Return the hash of an event's leaf. What events share is kept: that takes a third of `fields_of`'s time."""
    return leaf_of(
        b"".join((
            field_of(log_position),
            _shared(stream),
            _shared(version),
            _shared(type_),
            _shared(recorded_us),
            field_of(event_id),
            _of_command(tenant, actor, command_id, correlation_id, causation_id, append_id),
            _shared(append_index),
            _shared(append_size),
            field_of(state),
        ))
    )  # fmt: skip


_shared = lru_cache(maxsize=16_384)(field_of)


@lru_cache(maxsize=256)
def _of_command(*fields: str | int | None) -> bytes:
    """Return the fields that all events of a command have."""
    return fields_of(fields)


def chained(chain: bytes, leaves: Iterable[bytes]) -> bytes:
    """Carry the hash chain on: each link is SHA-256 over the link before and a leaf."""
    for leaf in leaves:
        chain = sha256(chain + leaf).digest()
    return chain
