"""What was signed of the log: checkpoints, and the path from an event of one's own to the last of them.

A path is put together of roots of whole tiles and the leaves of one, so that it costs the same in a log of any length:
nothing is hashed that is not on it. Whoever checks it brings the key, which no answer carries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from application.evidence.checkpoints import Checkpoint
from application.evidence.leaves import StoredEvent
from application.evidence.trees import TILE, split
from application.store import Connection
from domain.merkle import levels_of, prove_inclusion, root_of
from projections.paging import LAST, page_of, read_cursor
from projections.reading import Page, fetch

_LIST = """
    SELECT number, events, receipts, note FROM evidence.checkpoints
    WHERE number < %(before)s ORDER BY number DESC LIMIT %(limit)s
"""
_LATEST = "SELECT events, events_tail, note FROM evidence.checkpoints ORDER BY number DESC LIMIT 1"
_ROOTS = "SELECT root FROM evidence.tiles WHERE tree = 'events' AND tile < %(whole)s ORDER BY tile"
_LEAVES = "SELECT leaves FROM evidence.tiles WHERE tree = 'events' AND tile = %(tile)s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A checkpoint: how many events and receipts it signs for, when, and the signed note itself."""

    number: int
    events: int
    receipts: int
    signed_at: datetime
    note: str


async def list_checkpoints(connection: Connection, *, limit: int, cursor: str | None = None, head: int) -> Page[Sealed]:
    """List checkpoints, newest first. They sign for the whole log, and show nothing of it but its length."""
    (before,) = read_cursor(cursor, LAST)
    found = await fetch(connection, _sealed, _LIST, {"before": before, "limit": limit + 1})
    return page_of(found, limit=limit, log_position=head, cursor_of=lambda one: (one.number,))


async def prove(connection: Connection, stored: StoredEvent) -> Mapping[str, Any] | None:
    """Return the proof that an event is under the last checkpoint; None where nobody has signed for it yet.

    It is what `lastro audit check` reads, but for the key.
    """
    latest = await fetch(connection, dict[str, Any], _LATEST)
    if not latest or stored.log_position > latest[0]["events"]:
        return None
    tail = split(latest[0]["events_tail"])
    path = await _path(connection, stored.log_position - 1, whole=latest[0]["events"] // TILE, tail=tail)
    return {
        "proves": "an event is in the log",
        "event": {**stored._asdict(), "state": stored.state.decode()},
        "path": [step.hex() for step in path],
        "checkpoint": latest[0]["note"],
    }


async def _path(connection: Connection, index: int, *, whole: int, tail: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return the path within the leaf's tile, and from there on over the roots of all tiles."""
    tile, place = divmod(index, TILE)
    leaves = tail
    if tile < whole:
        ((leaves),) = [split(row["leaves"]) for row in await fetch(connection, dict[str, Any], _LEAVES, {"tile": tile})]
    roots = [row["root"] for row in await fetch(connection, dict[str, Any], _ROOTS, {"whole": whole})]
    above = [*roots, root_of(tail)] if tail else roots
    return (*prove_inclusion(levels_of(leaves), place), *prove_inclusion(levels_of(above), tile))


def _sealed(*, number: int, events: int, receipts: int, note: str) -> Sealed:
    signed = Checkpoint.parse(note.partition("\n\n")[0] + "\n")
    return Sealed(number=number, events=events, receipts=receipts, signed_at=signed.signed_at, note=note)
