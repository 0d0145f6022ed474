"""Lets a query wait until its model has read far enough: the caller sees what it wrote itself (CONTRACT, Queries).

It waits for live cursors and moves none. One look at the database serves all who wait.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from psycopg import InterfaceError, OperationalError
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from application.store import Connection
from application.wakeup import Wakeup
from projections.reading import NotReached

log = structlog.get_logger()

LONGEST_WAIT_S = 5.0
RETRY_S = 0.5

_LIVE = "SELECT name, log_position FROM projection.generations WHERE role = 'live'"


@dataclass(slots=True, eq=False)
class _Waiter:
    log_position: int
    models: Sequence[str]
    reached: asyncio.Future[None]


class Watch:
    """The live cursors as one process sees them, through a pool of the application's role.

    `wakeup` listens on `lastro_projections`.
    """

    def __init__(self, pool: AsyncConnectionPool[Connection], wakeup: Wakeup) -> None:
        self._pool = pool
        self._wakeup = wakeup
        self._waiters: set[_Waiter] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to watch."""
        self._task = asyncio.create_task(self._watch(), name="watch-projections")

    async def stop(self) -> None:
        """Stop watching; whoever waits runs into the time-out."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def wait_for(self, log_position: int, *models: str, timeout_s: float = LONGEST_WAIT_S) -> None:
        """Return when all the models have read up to a log position. Raises `NotReached` after the time-out."""
        waiter = _Waiter(log_position, models, asyncio.get_running_loop().create_future())
        self._waiters.add(waiter)
        try:
            async with asyncio.timeout(timeout_s):
                await self._look()
                await waiter.reached
        except TimeoutError:
            raise NotReached(f"{', '.join(models)} did not reach {log_position} within {timeout_s:g} s") from None
        finally:
            self._waiters.discard(waiter)

    async def _watch(self) -> None:
        while True:
            # Whoever looks first and waits then misses what is told in between.
            woken = asyncio.create_task(self._wakeup.wait())
            try:
                if self._waiters:
                    await self._look()
                await woken
            except (OperationalError, InterfaceError, PoolTimeout) as error:
                log.warning("watch.failed", error=repr(error))
                await asyncio.sleep(RETRY_S)
            finally:
                woken.cancel()

    async def _look(self) -> None:
        """Read the live cursors and let those go on who waited for them."""
        async with self._pool.connection() as connection:
            cursors: dict[str, int] = dict(await (await connection.execute(_LIVE, prepare=True)).fetchall())
        for waiter in self._waiters:
            if not waiter.reached.done() and all(
                cursors.get(model, -1) >= waiter.log_position for model in waiter.models
            ):
                waiter.reached.set_result(None)
