"""What is hashed of an event and of a receipt: every column, as stored, each behind its length (`fields_of`).

Times are written as microseconds since 1970 in UTC, ids as 32 hexadecimal digits.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

from domain.merkle import fields_of, leaf_of

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
    return leaf_of(fields_of(stored))


def chained(chain: bytes, leaves: Iterable[bytes]) -> bytes:
    """Carry the hash chain on: each link is SHA-256 over the link before and a leaf."""
    for leaf in leaves:
        chain = sha256(chain + leaf).digest()
    return chain
