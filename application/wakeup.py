"""Wake-ups for followers: NOTIFY when it arrives, and a poll every second whatever happens.

A lost notification, a dead connection or a silent network costs a second and never an event.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from psycopg import InterfaceError, OperationalError
from psycopg.sql import SQL, Identifier

from application.store import Connection
from application.tasks import end

log = structlog.get_logger()

POLL_S = 1.0


class Wakeup:
    """Lets any number of followers of one process wait on one channel over one connection."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], channel: str) -> None:
        self._connect = connect
        self._channel = channel
        self._waiters: set[asyncio.Future[None]] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to listen in the background."""
        self._task = asyncio.create_task(self._listen(), name=f"wakeup-{self._channel}")

    async def stop(self) -> None:
        """Stop listening; whoever waits is woken."""
        if self._task is not None:
            await end(self._task)
        self._wake_all()

    async def wait(self) -> None:
        """Return at the next notification, or after the poll interval."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await asyncio.wait((waiter,), timeout=POLL_S)
        finally:
            self._waiters.discard(waiter)

    def _wake_all(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except (OperationalError, InterfaceError) as error:
                log.warning("wakeup.lost", channel=self._channel, error=str(error))
                await asyncio.sleep(POLL_S)

    async def _listen_once(self) -> None:
        connection = await self._connect()
        async with connection:
            await connection.execute(SQL("LISTEN {}").format(Identifier(self._channel)))
            self._wake_all()
            async for _ in connection.notifies():
                self._wake_all()
