"""A prepared call without a cursor: it answers, fails and ends as one with a cursor does."""

import asyncio
import os
import socket

import psycopg
import pytest
import uvloop
from psycopg import OperationalError, errors
from psycopg.pq import ConnStatus

from application.calls import Call, tell
from application.store import Connection
from interfaces.postgres.configuration import Urls
from tests.application.world import connect, until

pytestmark = pytest.mark.anyio

ECHO = Call("echo", "SELECT $1::int + 1, $2::text, length($3::text)")
SETTING = Call("setting", "SELECT current_setting($1)")
NUMBERS = Call("numbers", "SELECT generate_series(1, $1::int)")
SLEEP = Call("sleep", "SELECT pg_sleep($1::float8)")
SYNC = b"S\x00\x00\x00\x04"
"""A message of the protocol."""


async def test_it_answers_in_texts_on_every_connection(database: Urls, connection: Connection) -> None:
    async with await connect(database.app) as another:
        for one in (connection, another, connection):
            assert await ECHO.rows(one, ["41", None, "é"]) == [["42", "", "1"]]


async def test_several_statements_are_one_message_and_the_first_error_counts(connection: Connection) -> None:
    await tell(connection, b"begin; set local lock_timeout = '7s'")
    assert await SETTING.rows(connection, ["lock_timeout"]) == [["7s"]]
    with pytest.raises(errors.DivisionByZero):
        await tell(connection, b"select 1; select 1 / 0; select 2")
    await tell(connection, b"rollback")
    assert await SETTING.rows(connection, ["lock_timeout"]) == [["0"]]
    assert await NUMBERS.rows(connection, ["3"]) == [["1"], ["2"], ["3"]]
    assert await NUMBERS.rows(connection, ["0"]) == []


async def test_what_is_longer_than_any_buffer_arrives(connection: Connection) -> None:
    assert await ECHO.rows(connection, ["1", "x" * 9_000_000, "y" * 20_000_000]) == [["2", "x" * 9_000_000, "20000000"]]


async def test_a_text_that_holds_a_nul_is_refused_and_not_cut_off(connection: Connection) -> None:
    with pytest.raises(psycopg.DataError):
        await ECHO.rows(connection, ["1", "a\x00b", ""])
    assert await ECHO.rows(connection, ["1", "a", ""]) == [["2", "a", "0"]]


async def test_a_statement_that_psycopg_gave_up_is_prepared_again(connection: Connection) -> None:
    await ECHO.rows(connection, ["1", "", ""])
    async with connection.transaction(force_rollback=True):
        await connection.execute("select 1", prepare=True)
    found = await connection.execute("select count(*) from pg_prepared_statements where name = 'echo'")
    assert await found.fetchone() == (0,), "what this test is about"
    assert await ECHO.rows(connection, ["1", "", ""]) == [["2", "", "0"]]
    await connection.execute("deallocate all")
    with pytest.raises(errors.InvalidSqlStatementName):
        async with connection.transaction():
            await ECHO.rows(connection, ["1", "", ""])
    assert await ECHO.rows(connection, ["1", "", ""]) == [["2", "", "0"]]


async def test_an_error_is_that_of_the_database_and_leaves_the_connection_usable(connection: Connection) -> None:
    with pytest.raises(errors.InvalidTextRepresentation):
        await ECHO.rows(connection, ["many", "", ""])
    assert await ECHO.rows(connection, ["1", "", ""]) == [["2", "", "0"]]


async def test_a_server_that_goes_away_is_an_operational_error(database: Urls, connection: Connection) -> None:
    asking = asyncio.create_task(SLEEP.rows(connection, ["60"]))
    await end_of_its_server(database, connection)
    with pytest.raises(OperationalError):
        await asking
    with pytest.raises(OperationalError):
        await SLEEP.rows(connection, ["0"])


def test_a_server_that_goes_away_with_unread_messages_is_noticed_too(database: Urls) -> None:
    """Its last words come together with the error of the socket, of which uvloop tells only once."""

    async def ask() -> None:
        async with await connect(database.app) as connection:
            asking = asyncio.create_task(SLEEP.rows(connection, ["60"]))
            await end_of_its_server(database, connection, unread=SYNC)
            with pytest.raises(OperationalError):
                async with asyncio.timeout(10):
                    await asking

    uvloop.run(ask())


async def test_a_broken_connection_takes_nothing_from_who_gets_its_number(
    database: Urls, connection: Connection
) -> None:
    """libpq closes the socket itself, and the system gives its number to the next."""
    loop, number, told = asyncio.get_running_loop(), connection.pgconn.socket, asyncio.Event()
    opened: list[socket.socket] = []

    def open_as_soon_as_it_is_free() -> None:
        if connection.pgconn.status == ConnStatus.OK:
            loop.call_soon(open_as_soon_as_it_is_free)
            return
        opened.extend(socket.socketpair())
        loop.add_reader(opened[0], told.set)

    asking = asyncio.create_task(SLEEP.rows(connection, ["60"]))
    loop.call_soon(open_as_soon_as_it_is_free)
    await end_of_its_server(database, connection)
    with pytest.raises(OperationalError):
        await asking
    try:
        assert opened[0].fileno() == number, "what this test is about"
        opened[1].send(b"there is something to read")
        async with asyncio.timeout(10):
            await told.wait()
    finally:
        loop.remove_reader(opened[0])
        for one in opened:
            one.close()


async def end_of_its_server(database: Urls, connection: Connection, *, unread: bytes = b"") -> None:
    """End the process that serves a connection while it sleeps, with something in its mail; nobody looks meanwhile."""
    pid = connection.info.backend_pid
    with psycopg.connect(database.owner, autocommit=True) as owner:

        def sleeps() -> bool:
            query = "select 1 from pg_stat_activity where pid = %s and wait_event = 'PgSleep'"
            return owner.execute(query, [pid]).fetchone() is not None

        await until(sleeps)
        os.write(connection.pgconn.socket, unread)
        assert owner.execute("select pg_terminate_backend(%s, 10000)", [pid]).fetchone() == (True,)


async def test_whoever_is_cancelled_leaves_a_closed_connection_behind(connection: Connection) -> None:
    await SLEEP.rows(connection, ["0"])
    asking = asyncio.create_task(SLEEP.rows(connection, ["60"]))
    await until(connection.lock.locked)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert connection.closed
