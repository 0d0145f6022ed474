"""Opening connections and pools, and transactions that see one tenant only.

Row-level security asks for the tenant of the transaction; nothing here ever sets it for longer than one.
"""

import functools
import select
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Literal

from psycopg import AsyncConnection, OperationalError, sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from application.calls import Ask, Call, Rows, tell

Connection = AsyncConnection[TupleRow]
Pool = AsyncConnectionPool[Connection]

_STATEMENT_TIMEOUT_S = 30
_BEGIN = {
    "read": "begin isolation level repeatable read read only",
    "read once": "set transaction read only",
    "write": "begin isolation level read committed read write",
}


async def connect(url: str, *, name: str) -> Connection:
    """Open one connection in autocommit mode; `name` shows in pg_stat_activity."""
    return await AsyncConnection.connect(_named(url, name), autocommit=True)


def pool(
    url: str,
    *,
    name: str,
    size: int,
    timeout_s: float = 5.0,
    configure: Callable[[Connection], None] | None = None,
) -> Pool:
    """Make a pool of at most `size` connections, each passed to `configure` when it is new; open it with `async with`.

    Whoever waits longer than the time-out for a free one gets psycopg_pool.PoolTimeout.
    """

    async def prepare(connection: Connection) -> None:
        if configure is not None:
            configure(connection)

    return AsyncConnectionPool(
        _named(url, name),
        kwargs={"autocommit": True},
        configure=prepare,
        min_size=1,
        max_size=size,
        open=False,
        timeout=timeout_s,
        name=name,
    )


@asynccontextmanager
async def reading(source: Pool, tenant: str) -> AsyncIterator[Connection]:
    """Give a connection inside one snapshot that sees this tenant's rows and cannot write.

    Costs one round trip before the first query and one after the last.
    """
    async with _transaction(source, _begin("read", tenant)) as connection:
        yield connection


def reading_once(source: Pool, tenant: str) -> Ask:
    """Give a way to make a call that sees this tenant's rows and cannot write, in a transaction by itself.

    Costs no round trip beside the call's.
    """

    async def ask(call: Call, parameters: Sequence[str | None]) -> Rows:
        async with _lent(source) as connection:
            return await call.rows(connection, parameters, behind=_begin("read once", tenant))

    return ask


@asynccontextmanager
async def writing(source: Pool, tenant: str) -> AsyncIterator[Connection]:
    """Give a connection inside a transaction on this tenant's rows, kept unless the block raises. For the vault."""
    async with _transaction(source, _begin("write", tenant)) as connection:
        yield connection


@asynccontextmanager
async def committing_each(source: Pool) -> AsyncIterator[Connection]:
    """Give a connection whose every statement is committed by itself, for tables that no tenant owns.

    Costs no round trip beside the statements'.
    """
    async with _lent(source) as connection:
        yield connection


@asynccontextmanager
async def _transaction(source: Pool, begin: bytes) -> AsyncIterator[Connection]:
    """Give a connection inside a transaction that is committed at the end of the block, or undone if it raises."""
    async with _lent(source) as connection:
        await tell(connection, begin)
        try:
            yield connection
        except BaseException:
            with suppress(OperationalError):  # a connection that is lost has undone it by itself
                await tell(connection, b"rollback")
            raise
        await tell(connection, b"commit")


@asynccontextmanager
async def _lent(source: Pool) -> AsyncIterator[Connection]:
    """Take a connection that works; the pool replaces those that a restart of the server has broken."""
    while _is_broken(connection := await source.getconn()):
        await connection.close()
        await source.putconn(connection)
    try:
        async with connection:
            yield connection
    finally:
        await source.putconn(connection)


def _is_broken(connection: Connection) -> bool:
    """Find out without asking the server: an idle connection has nothing to read unless its server has ended."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _named(url: str, name: str) -> str:
    """Add the name, and keepalives: a peer that vanished is noticed after 5 + 3 × 2 s (a Unix socket ignores them)."""
    return make_conninfo(
        url, application_name=name, keepalives=1, keepalives_idle=5, keepalives_interval=2, keepalives_count=3
    )


@functools.lru_cache(maxsize=4096)
def _begin(mode: Literal["read", "read once", "write"], tenant: str) -> bytes:
    """Begin and set the tenant in one message; the pool ends the transaction when the connection comes back."""
    statement = sql.SQL("{}; set local app.tenant = {}; set local statement_timeout = {}")
    return statement.format(
        sql.SQL(_BEGIN[mode]), sql.Literal(tenant), sql.Literal(f"{_STATEMENT_TIMEOUT_S}s")
    ).as_bytes()
