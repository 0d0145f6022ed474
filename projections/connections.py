"""Connections of users to venues. Credentials are the vault's."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from application.log import Recorded
from application.store import Connection as Database
from domain.connections import ConnectionOpened, UnknownConnection
from domain.money import Amount
from domain.positions.terms import Market
from projections.changes import Append, Change
from projections.paging import FIRST, page_of, read_cursor
from projections.reading import Answer, Page, amount, fetch, log_position, where

NAME = "connections"
HANDLES = (ConnectionOpened,)


def apply(recorded: Recorded, event: ConnectionOpened) -> Iterator[Change]:
    """Write the connection down."""
    yield Append(
        "connections",
        {
            "tenant": recorded.tenant,
            "id": event.connection,
            "user_id": event.user,
            "venue": event.venue,
            "market": event.market.value,
            "start_units": event.start.units,
            "start_scale": event.start.asset.scale,
            "start_asset": event.start.asset.code,
            "occurred_at": event.occurred_at,
            "log_position": recorded.log_position,
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A connection and what a paper one began with."""

    id: str
    user: str
    venue: str
    market: Market
    start: Amount
    occurred_at: datetime
    log_position: int


_COLUMNS = """
    id, user_id AS user, venue, market, start_units AS units, start_scale AS scale, start_asset AS asset,
    occurred_at, log_position
"""
_ONE = f"SELECT {_COLUMNS} FROM read.connections WHERE id = %(id)s"
_LIST = "SELECT {columns} FROM read.connections WHERE {conditions} ORDER BY log_position LIMIT %(limit)s"
_CONDITIONS = {"after": "log_position > %(after)s", "user": "user_id = %(user)s"}


async def get_connection(database: Database, connection: str) -> Answer[Connection]:
    """Return one connection, whosever it is. Raises `UnknownConnection`."""
    position = await log_position(database, NAME)
    found = await fetch(database, _row, _ONE, {"id": connection})
    if not found:
        raise UnknownConnection
    return Answer(found[0], position)


async def list_connections(
    database: Database, *, user: str | None = None, limit: int, cursor: str | None = None
) -> Page[Connection]:
    """List the connections of a user, or of all users, in the order of their opening."""
    (after,) = read_cursor(cursor, FIRST)
    position = await log_position(database, NAME)
    wanted = {"after": after, "user": user}
    query = _LIST.format(columns=_COLUMNS, conditions=where(_CONDITIONS, wanted))
    found = await fetch(database, _row, query, {**wanted, "limit": limit + 1})
    return page_of(found, limit=limit, log_position=position, cursor_of=lambda one: (one.log_position,))


def _row(*, market: str, units: int, scale: int, asset: str, **columns: Any) -> Connection:
    return Connection(market=Market(market), start=amount(units=units, scale=scale, asset=asset), **columns)
