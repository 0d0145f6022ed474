"""A prepared statement called on a connection with nothing in between: what a cursor does around it takes longer.

For the one statement that every command waits for. Everything else goes through psycopg's cursors.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from weakref import WeakSet

from psycopg import AsyncConnection, OperationalError
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGconn, PGresult


class Call:
    """A statement under a name of its own. Its parameters are texts, as PostgreSQL reads their types."""

    def __init__(self, name: str, statement: str) -> None:
        self._name = name
        self._statement = statement
        self._prepared = WeakSet[AsyncConnection[Any]]()

    async def one(self, connection: AsyncConnection[Any], parameters: Sequence[str | None]) -> list[str]:
        """Return the columns of the one row of the answer as texts, empty for null.

        Raises what psycopg raises. Whoever is cancelled in the middle leaves a closed connection behind.
        """
        if connection not in self._prepared:
            await connection.execute(f"PREPARE {self._name} AS {self._statement}")
            self._prepared.add(connection)
        values = [None if value is None else value.encode() for value in parameters]
        async with connection.lock:
            pgconn = connection.pgconn
            pgconn.send_query_prepared(self._name.encode(), values)
            try:
                await _answered(pgconn)
            except asyncio.CancelledError:
                pgconn.finish()
                raise
            result = _only_result(pgconn)
        if pgconn.status == ConnStatus.BAD:
            raise OperationalError(result.get_error_message())
        if result.status != ExecStatus.TUPLES_OK:
            raise error_from_result(result)
        return [(result.get_value(0, column) or b"").decode() for column in range(result.nfields)]


async def _answered(pgconn: PGconn) -> None:
    """Return when all was sent and the whole answer has arrived. Raises `OperationalError` where the server is gone."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    socket = pgconn.socket

    def step() -> None:
        try:
            pgconn.consume_input()
            if pgconn.flush() == 0:
                loop.remove_writer(socket)
                if not pgconn.is_busy() and not done.done():
                    done.set_result(None)
        except Exception as error:  # noqa: BLE001 - whoever waits gets it
            if not done.done():
                done.set_exception(error)

    loop.add_reader(socket, step)
    try:
        if pgconn.flush():
            loop.add_writer(socket, step)
        await done
    finally:
        loop.remove_reader(socket)
        loop.remove_writer(socket)


def _only_result(pgconn: PGconn) -> PGresult:
    """Take the result, and the end of the results behind it."""
    result = pgconn.get_result()
    assert result is not None
    while (more := pgconn.get_result()) is not None:
        result = more
    return result
