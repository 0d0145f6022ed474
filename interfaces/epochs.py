"""The gate before everything that follows the log: shut while a restored log waits for an operator's confirmation.

It also notices a restore under a running worker: a head that is lower than one it has seen.
"""

import asyncio

import structlog
from psycopg import InterfaceError, OperationalError
from psycopg_pool import PoolTimeout

from application.epochs import Epoch, begin_epoch, open_epoch
from application.store import Store
from interfaces.postgres.connections import Pool

log = structlog.get_logger()

LOOK_S = 0.5


class Gate:
    """Tells the parts of a worker when to stop and when to go on. It looks through a pool of the application's role."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._store = Store(pool)
        self._seen = 0
        self.epoch: Epoch | None = None

    @property
    def reason(self) -> str | None:
        """Why it is shut; None while it is open."""
        if self.epoch is None:
            return None
        return f"epoch {self.epoch.number} ({self.epoch.reason}) waits for an operator: lastro epoch confirm"

    async def until(self, *, is_open: bool) -> None:
        """Look until the gate is open, or shut. A database that is away says neither."""
        while True:
            try:
                if await self._look() == is_open:
                    return
            except (OperationalError, InterfaceError, PoolTimeout) as error:
                log.warning("epochs.cannot_look", error=str(error))
            await asyncio.sleep(LOOK_S)

    async def _look(self) -> bool:
        head = await self._store.head()
        async with self._pool.connection() as connection:
            if head < self._seen:
                reason = f"the log ends at {head}, and its position {self._seen} was seen"
                log.error("epochs.new_log_epoch", seen=self._seen, head=head)
                await begin_epoch(connection, head, reason=reason, by="worker")
            self._seen = head
            self.epoch = await open_epoch(connection)
        return self.epoch is None
