"""Destinations of withdrawals, without what only the vault knows. In the order in which they were added."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from application.log import Recorded
from application.store import Connection
from domain.destinations import DestinationAdded, DestinationRemoved, Event, Kind
from projections.changes import Change, Put
from projections.paging import FIRST, page_of, read_cursor
from projections.reading import Page, fetch, log_position

NAME = "destinations"
HANDLES = (DestinationAdded, DestinationRemoved)


def apply(recorded: Recorded, event: Event) -> Iterator[Change]:
    """Begin a destination, or take it out of use."""
    key = {"tenant": recorded.tenant, "id": event.destination}
    match event:
        case DestinationAdded():
            yield Put(
                "destinations",
                key,
                {
                    "user_id": event.user,
                    "kind": event.kind.value,
                    "asset": event.asset,
                    "added_at": event.occurred_at,
                    "usable_from": event.usable_from,
                    "removed": False,
                    "log_position": recorded.log_position,
                },
            )
        case DestinationRemoved():
            yield Put("destinations", key, {"removed": True})
        case _:
            assert_never(event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A destination; `usable_from` is where its cooling time ends."""

    id: str
    user: str
    kind: Kind
    asset: str
    added_at: datetime
    usable_from: datetime
    log_position: int


_LIST = """
    SELECT id, user_id AS user, kind, asset, added_at, usable_from, log_position
    FROM read.destinations WHERE user_id = %(user)s AND NOT removed AND log_position > %(after)s
    ORDER BY log_position LIMIT %(limit)s
"""


async def list_destinations(
    connection: Connection, *, user: str, limit: int, cursor: str | None = None
) -> Page[Destination]:
    """List a user's destinations that are in use."""
    (after,) = read_cursor(cursor, FIRST)
    position = await log_position(connection, NAME)
    found = await fetch(connection, _row, _LIST, {"user": user, "after": after, "limit": limit + 1})
    return page_of(found, limit=limit, log_position=position, cursor_of=lambda one: (one.log_position,))


def _row(*, kind: str, **columns: Any) -> Destination:
    return Destination(kind=Kind(kind), **columns)
