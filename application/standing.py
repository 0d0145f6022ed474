"""Whose tokens are no good any more: a suspension, other roles, or a logout everywhere end every token from before.

A token says who its bearer was when it was signed, and lives for minutes. Each process follows the log for the facts
that say otherwise, so that a query of somebody who was suspended is refused as soon as a command is.
"""

import asyncio
from datetime import datetime, timedelta

import structlog
from psycopg import InterfaceError, OperationalError

from application.ports import Clock
from application.store import Store
from application.streams import id_of
from application.tasks import end
from application.wakeup import Wakeup

log = structlog.get_logger()

SCAN = 20_000
PAUSE_S = 0.05
RETRY_S = 0.5
_ENDING = ("user.suspended.v1", "user.roles_changed.v1", "user.sessions_ended.v1")


class Standing:
    """The users whose standing changed while tokens from before may still live. `wakeup` listens on `lastro_log`."""

    def __init__(self, store: Store, wakeup: Wakeup, clock: Clock, *, life: timedelta) -> None:
        self._store = store
        self._wakeup = wakeup
        self._clock = clock
        self._life = life
        self._changed: dict[tuple[str, str], datetime] = {}
        self._seen = 0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Learn what happened within the life of a token, then follow the log."""
        self._seen = await self._store.position_before(self._clock.now() - self._life)
        await self._catch_up()
        self._task = asyncio.create_task(self._follow(), name="standing")

    async def stop(self) -> None:
        """Stop following."""
        if self._task is not None:
            await end(self._task)

    def has_fallen(self, tenant: str, user: str, *, issued_at: float) -> bool:
        """Tell whether a token, issued so many seconds after 1970, is of before its bearer's standing changed."""
        changed = self._changed.get((tenant, user))
        return changed is not None and issued_at <= changed.timestamp()

    async def _follow(self) -> None:
        while True:
            # Whoever looks first and waits then misses what is told in between.
            woken = asyncio.create_task(self._wakeup.wait())
            try:
                await self._catch_up()
                await asyncio.gather(woken, asyncio.sleep(PAUSE_S))
            except (OperationalError, InterfaceError) as error:
                log.warning("standing.not_followed", error=repr(error))
                await asyncio.sleep(RETRY_S)
            finally:
                woken.cancel()

    async def _catch_up(self) -> None:
        while (batch := await self._store.read_named(self._seen, _ENDING, limit=SCAN)).end > self._seen:
            self._seen = batch.end
            for recorded in batch.events:
                self._changed[recorded.tenant, id_of(recorded.stream)] = recorded.recorded_at
        self._forget()

    def _forget(self) -> None:
        """Drop what no living token can be older than."""
        oldest = self._clock.now() - 2 * self._life
        for user in [user for user, changed in self._changed.items() if changed < oldest]:
            del self._changed[user]
