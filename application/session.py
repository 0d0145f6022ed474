"""A connection of the committer: opened again when it is lost. And what to do about a lock that is not given back."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import count

import structlog
from psycopg import InterfaceError, OperationalError

from application.store import Connection, speak_hex_ids

log = structlog.get_logger()

LOCK_TIMEOUT_S = 5.0
RETRY_S = 0.05
LONGEST_RETRY_S = 1.0
RECONNECTS_WHEN_STOPPING = 20

_STUCK_HOLDERS = """
    SELECT pg_terminate_backend(a.pid) FROM pg_locks AS l INNER JOIN pg_stat_activity AS a USING (pid)
    WHERE l.relation = 'log.append_lock'::regclass AND l.granted AND a.pid <> pg_backend_pid()
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND a.state LIKE 'idle in transaction%' AND a.state_change < clock_timestamp() - interval '4 seconds'
"""


class Session:
    """`connect` opens a connection of the application's role in autocommit mode."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]]) -> None:
        self._connect = connect
        self._connection: Connection | None = None

    @property
    def connection(self) -> Connection:
        """The connection, which may be broken."""
        assert self._connection is not None, "the session was opened"
        return self._connection

    async def open(self) -> None:
        """Connect; nobody waits for the lock of appends longer than its time-out."""
        self._connection = await self._connect()
        # It prepares its own statement (calls.py), which psycopg would give up with those that it prepares itself.
        self._connection.prepare_threshold = None
        speak_hex_ids(self._connection)
        await self._connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT_S:g}s'")

    async def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            await self._connection.close()

    async def reopen(self, *, stopping: Callable[[], bool]) -> None:
        """Wait until the database answers again; whoever is stopping does not wait for ever."""
        for attempt in count():
            await self.close()
            try:
                await self.open()
            except (OperationalError, InterfaceError):
                if stopping() and attempt >= RECONNECTS_WHEN_STOPPING:
                    raise
                await asyncio.sleep(min(RETRY_S * 2**attempt, LONGEST_RETRY_S))
            else:
                return

    async def free_the_lock(self) -> None:
        """End a session that holds the append lock and does nothing. What it did is not committed: nothing is lost."""
        with suppress(OperationalError, InterfaceError):  # whoever asked tries again and will notice
            cursor = await self.connection.execute(_STUCK_HOLDERS)
            log.error("committer.lock_freed", terminated=len(await cursor.fetchall()))
