"""The hashes of events' leaves, made again from rows of the log: what `leaf_hash` says, for half of its time.

What the events of an append share is put together once for all of them.
"""

from binascii import hexlify
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import Any

from domain.merkle import LEAF, LENGTHS, field_of, fields_of
from interfaces.audit.snapshot import MOMENT_ZERO

Row = tuple[Any, ...]
"""An event in the columns of `EVENT_COLUMNS`: uuids as bytes, its moment as a number."""

_MICROSECONDS = int(MOMENT_ZERO.timestamp()) * 1_000_000


class _Numbers(dict[int, bytes]):
    """The fields of numbers: those of small ones are kept."""

    def __missing__(self, number: int) -> bytes:
        return field_of(number)


_NUMBERS = _Numbers((number, field_of(number)) for number in range(2_048))
_stream = lru_cache(maxsize=16_384)(field_of)


def leaves_of(events: Iterable[Row]) -> list[bytes]:
    """Return the hash of each event's leaf."""
    leaves = []
    shared: Row = ()
    before = behind = size_field = b""
    for (
        position, stream, version, name, state, event_id, tenant, actor, command, correlation, causation, append_id,
        index, size, moment,
    ) in events:  # fmt: skip
        found = name, moment, tenant, actor, command, correlation, causation, append_id, size
        if found != shared:
            shared = found
            before, behind, size_field = _shared(*found)
        digits = b"%d" % position
        data = (
            LEAF, LENGTHS[len(digits)], digits, _stream(stream), _NUMBERS[version], before, hexlify(event_id), behind,
            _NUMBERS[index], size_field, field_of(state),
        )  # fmt: skip
        leaves.append(sha256(b"".join(data)).digest())
    return leaves


def _shared(  # noqa: PLR0917 - columns of the log
    name: str, moment: int, tenant: str, actor: str, command: bytes, correlation: bytes, causation: bytes | None,
    append_id: int, size: int,
) -> tuple[bytes, bytes, bytes]:  # fmt: skip
    """Return what stands before the bytes of an event's id and what stands behind them, and the field of the size."""
    caused_by = causation.hex() if causation else None
    before = fields_of((name, moment + _MICROSECONDS)) + LENGTHS[32]
    return before, fields_of((tenant, actor, command.hex(), correlation.hex(), caused_by, append_id)), field_of(size)
