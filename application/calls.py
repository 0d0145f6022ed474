"""Statements sent on a connection with nothing in between: what a cursor does around them takes longer.

For what every command and every request waits for. Everything else goes through psycopg's cursors.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from weakref import WeakSet

from psycopg import AsyncConnection, DataError, OperationalError
from psycopg.errors import InvalidSqlStatementName, error_from_result
from psycopg.pq import ConnStatus, Escaping, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

Rows = list[list[str]]
_FINE = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


class Call:
    """A statement under a name of its own. Its parameters are texts, as PostgreSQL reads their types.

    psycopg gives up all prepared statements of a connection when it undoes a transaction on which it has prepared some
    itself. A call that meets this outside a transaction prepares its statement again; inside one it cannot, so that
    whoever makes calls in transactions undoes them by `tell`.
    """

    def __init__(self, name: str, statement: str) -> None:
        self._name = name
        self._statement = statement
        self._prepared = WeakSet[AsyncConnection[Any]]()

    async def rows(
        self, connection: AsyncConnection[Any], parameters: Sequence[str | None], *, behind: bytes | None = None
    ) -> Rows:
        """Return the rows of the answer, their columns as texts, empty for null.

        Statements that it comes `behind` are sent with it as one message, which is a transaction by itself. Raises what
        psycopg raises. Whoever is cancelled in the middle leaves a closed connection behind.
        """
        values = [None if value is None else _encoded(value) for value in parameters]
        try:
            result = await self._send(connection, values, behind)
        except InvalidSqlStatementName:
            self._prepared.discard(connection)
            if connection.pgconn.transaction_status != TransactionStatus.IDLE:
                raise
            result = await self._send(connection, values, behind)
        columns = range(result.nfields)
        return [
            [(result.get_value(row, column) or b"").decode() for column in columns] for row in range(result.ntuples)
        ]

    async def _send(
        self, connection: AsyncConnection[Any], values: Sequence[bytes | None], behind: bytes | None
    ) -> PGresult:
        if connection not in self._prepared:
            await tell(connection, f"PREPARE {self._name} AS {self._statement}".encode())
            self._prepared.add(connection)
        name = self._name.encode()
        if behind is not None:
            message = b"%b; EXECUTE %b(%b)" % (behind, name, _literals(connection.pgconn, values))
            return await _last_result(connection, lambda pgconn: pgconn.send_query(message))
        return await _last_result(connection, lambda pgconn: pgconn.send_query_prepared(name, values))


def _literals(pgconn: PGconn, values: Sequence[bytes | None]) -> bytes:
    escaping = Escaping(pgconn)
    return b", ".join(b"NULL" if value is None else bytes(escaping.escape_literal(value)) for value in values)


def _encoded(value: str) -> bytes:
    """Refuse what ends a text before its end: PostgreSQL would take the part before it for the whole."""
    if "\x00" in value:
        raise DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return value.encode()


Ask = Callable[[Call, Sequence[str | None]], Awaitable[Rows]]
"""A way to make a call, and get its rows."""


async def tell(connection: AsyncConnection[Any], statements: bytes) -> None:
    """Send statements that answer nothing, as one message. Raises as a call does."""
    await _last_result(connection, lambda pgconn: pgconn.send_query(statements))


async def _last_result(connection: AsyncConnection[Any], send: Callable[[PGconn], None]) -> PGresult:
    async with connection.lock:
        pgconn = connection.pgconn
        send(pgconn)
        try:
            result = await _answer(pgconn)
        except asyncio.CancelledError:
            pgconn.finish()
            raise
    if pgconn.status == ConnStatus.BAD:
        raise OperationalError(result.get_error_message())
    if result.status not in _FINE:
        raise error_from_result(result)
    return result


async def _answer(pgconn: PGconn) -> PGresult:
    """Return the last result when all was sent and the whole answer has arrived.

    Raises `OperationalError` where the server is gone.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[PGresult] = loop.create_future()
    socket, results, watched = pgconn.socket, list[PGresult](), True

    def stop() -> None:
        nonlocal watched
        if watched:
            watched = False
            loop.remove_reader(socket)
            loop.remove_writer(socket)

    def step() -> None:
        try:
            pgconn.consume_input()
            if pgconn.flush() == 0:
                loop.remove_writer(socket)
            while not pgconn.is_busy() and not done.done():
                if (result := pgconn.get_result()) is None:
                    done.set_result(results[-1])
                else:
                    results.append(result)
        except Exception as error:  # noqa: BLE001 - whoever waits gets it
            if not done.done():
                done.set_exception(error)
        if done.done():
            stop()  # at once: where libpq has closed it, the next socket that anybody opens gets its number
        else:
            loop.remove_reader(socket)  # uvloop tells of a broken connection once, and perhaps just has
            loop.add_reader(socket, step)

    loop.add_reader(socket, step)
    try:
        if pgconn.flush():
            loop.add_writer(socket, step)
        return await done
    finally:
        stop()
