"""One REPEATABLE READ, READ ONLY snapshot, which several connections share, and reading from it in portions.

Its transaction is never committed: nothing here can write. Synchronous, because checking is work for the processor.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any, LiteralString

import psycopg
from psycopg import IsolationLevel
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Literal
from psycopg.types.json import set_json_loads
from psycopg.types.numeric import Int8BinaryLoader
from psycopg.types.string import ByteaBinaryLoader
from pydantic_core import from_json

Connection = psycopg.Connection[TupleRow]
Query = LiteralString | Composed

PORTION = 5_000
AT_ONCE = 200
"""Rows of a stream that come together."""
MOMENT_ZERO = datetime(2000, 1, 1, tzinfo=UTC)
"""From here PostgreSQL counts."""

_NUMBERS = count(1)


def open_snapshot(url: str, *, shared: str | None = None) -> Connection:
    """Open a connection in a snapshot of its own, or in one that another connection shares by name.

    `url` is of the role lastro_projector, which passes row-level security: an audit sees all tenants.
    """
    connection = psycopg.connect(make_conninfo(url, application_name="lastro-audit"))
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    if shared is not None:
        connection.execute(SQL("SET TRANSACTION SNAPSHOT {}").format(Literal(shared)))
    return connection


def share(connection: Connection) -> str:
    """Return the name by which other connections can join the snapshot while this one is open."""
    return str(one(connection, "SELECT pg_export_snapshot()")[0])


def rows(connection: Connection, query: Query, *parameters: object, moments_as_numbers: bool = False) -> list[TupleRow]:
    """Return all rows of a query; see `portions` for their values."""
    with connection.cursor(binary=True) as cursor:
        _quicken(cursor, moments_as_numbers=moments_as_numbers)
        return cursor.execute(query, parameters).fetchall()


def chunks(connection: Connection, query: Query, *parameters: object, size: int) -> Iterator[list[TupleRow]]:
    """Yield all rows of a query, so many at a time: what is made of some is gone before others are looked at.

    PostgreSQL sends them at once, so the connection is free. Values are those of `portions` with moments as numbers.
    """
    with connection.cursor(binary=True) as cursor:
        _quicken(cursor, moments_as_numbers=True)
        cursor.execute(query, parameters)
        while found := cursor.fetchmany(size):
            yield found


def one(connection: Connection, query: Query, *parameters: object) -> TupleRow:
    """Return the one row of a query."""
    (row,) = rows(connection, query, *parameters)
    return row


def portions(
    connection: Connection, query: Query, *parameters: object, moments_as_numbers: bool = False
) -> Iterator[list[TupleRow]]:
    """Yield the rows of a long query in portions, through a cursor of the server: memory stays bounded.

    uuids come as bytes and, if asked for, moments as PostgreSQL stores them, in microseconds from `MOMENT_ZERO`.
    """
    with connection.cursor(f"audit_{next(_NUMBERS)}") as cursor:
        _quicken(cursor, moments_as_numbers=moments_as_numbers)
        cursor.execute(query, parameters, binary=True)
        while found := cursor.fetchmany(PORTION):
            yield found


def stream(connection: Connection, query: Query, *parameters: object) -> Iterator[TupleRow]:
    """Yield the rows of a long query one by one; see `portions`. PostgreSQL goes on while a row is looked at.

    The connection is not free for anything else until the last row was taken.
    """
    with connection.cursor(binary=True) as cursor:
        _quicken(cursor, moments_as_numbers=True)
        yield from cursor.stream(query, parameters, size=AT_ONCE)


def _quicken(cursor: psycopg.Cursor[TupleRow], *, moments_as_numbers: bool) -> None:
    """Load what is only compared in the form that costs least: half of the time of reading goes into these types."""
    cursor.adapters.register_loader("uuid", ByteaBinaryLoader)
    if moments_as_numbers:
        cursor.adapters.register_loader("timestamptz", Int8BinaryLoader)
    set_json_loads(from_json, cursor)


def each(connection: Connection, query: Query, *parameters: object) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a long query one by one; see `portions`."""
    for portion in portions(connection, query, *parameters, moments_as_numbers=True):
        yield from portion
