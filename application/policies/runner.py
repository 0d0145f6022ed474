"""Drives policies: each follows the log with a cursor of its own and turns events into commands with derived ids.

A policy decides from its event and from streams, never from a read model. A refusal is an outcome and the cursor
advances; only an unknown outcome is tried again, with the same command id, so that a crash at any point does nothing
twice. Rebuilds never reset it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Protocol

import structlog
from psycopg_pool import AsyncConnectionPool

from application.codec import decode
from application.commands import Command, CommitterError, Done
from application.committer import Committer
from application.log import Recorded
from application.policies.refusals import record_refusal
from application.ports import ProviderSilent
from application.store import Connection, Store
from application.wakeup import Wakeup

log = structlog.get_logger()

SCAN = 5_000
"""How many events are looked at in one step; only those that the policy handles are read."""
PAUSE_S = 0.02
"""Least time between two looks at the log: what comes close together is reacted to, and appended, together."""
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
_DOUBLINGS = 6
IDLE_S = 1.0
"""A cursor that moves past events nobody handles is written down this often: reading them again does nothing."""

_DECLARE = """
    INSERT INTO log.policy_cursors (name, log_position) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING
"""
_CURSOR = "SELECT log_position FROM log.policy_cursors WHERE name = %s"
_ADVANCE = "UPDATE log.policy_cursors SET log_position = %s WHERE name = %s AND log_position = %s"


class Policy(Protocol):
    """A reaction to events. `first_log_position` is where a new policy begins; it never looks at what was before."""

    name: str
    handles: frozenset[str]
    first_log_position: int

    async def react(self, recorded: Recorded, event: Any, submit: "Submit") -> None:
        """Submit the commands that an event asks for, with ids derived from its own; may run again after a crash."""


class Submit(Protocol):
    """Submits a policy's command; a refusal by state comes back as an outcome."""

    async def __call__(self, command: Command) -> Done:
        """Do a command and return what became of it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a policy stands; reported for health and metrics. `unknown` is the outcome it is trying to learn."""

    name: str
    log_position: int
    unknown: str | None = None


def pause_s(attempt: int) -> float:
    """Return how long to wait after so many attempts in vain, counted from 0: twice as long each time, to a limit."""
    return min(FIRST_PAUSE_S * float(2 ** min(attempt, _DOUBLINGS)), LONGEST_PAUSE_S)


class PolicyRunner:
    """Runs one policy until it is cancelled. Others may run it too: compare-and-set and derived ids protect.

    A policy whose reactions wait for others and need no order may react to several events `at_once`.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        store: Store,
        committer: Committer,
        pool: AsyncConnectionPool[Connection],
        wakeup: Wakeup,
        at_once: int = 1,
    ) -> None:
        self._policy = policy
        self._at_once = at_once
        self._store = store
        self._committer = committer
        self._pool = pool
        self._wakeup = wakeup
        self.progress = Progress(policy.name, policy.first_log_position - 1)

    async def run(self) -> None:
        """Follow the log for ever."""
        written = seen = await self._declare()
        loop = asyncio.get_running_loop()
        written_at, looked_at = loop.time(), 0.0
        while True:
            await asyncio.sleep(looked_at + PAUSE_S - loop.time())
            looked_at = loop.time()
            # Whoever looks first and waits then misses what is told in between.
            woken = asyncio.create_task(self._wakeup.wait())
            try:
                batch = await self._store.read_named(seen, self._policy.handles, limit=SCAN)
                await self._react_to(batch.events)
                if batch.events or (batch.end > written and loop.time() - written_at >= IDLE_S):
                    written = seen = await self._advance(written, batch.end)
                    written_at = loop.time()
                elif batch.end > seen:
                    seen = batch.end
                    self.progress = Progress(self._policy.name, seen)
                else:
                    await woken
            finally:
                woken.cancel()

    async def _react_to(self, events: Sequence[Recorded]) -> None:
        """React to all, in their order where it is one at a time; the cursor moves when every one is done."""
        if self._at_once == 1:
            for recorded in events:
                await self._react(recorded)
            return
        free = asyncio.Semaphore(self._at_once)

        async def react(recorded: Recorded) -> None:
            async with free:
                await self._react(recorded)

        async with asyncio.TaskGroup() as group:
            _reactions = [group.create_task(react(recorded)) for recorded in events]

    async def _react(self, recorded: Recorded) -> None:
        """React to one event until every command it asks for has a known outcome."""
        event = decode(recorded.name, recorded.state)

        async def submit(command: Command) -> Done:
            done = await self._committer.submit(command)
            if done.refused:
                await self._committer.submit(
                    record_refusal(self._policy.name, recorded=recorded, refused=command, done=done)
                )
            return done

        for attempt in count():
            try:
                await self._policy.react(recorded, event, submit)
            except (CommitterError, ProviderSilent) as error:
                unknown = f"log position {recorded.log_position}: {error!r}"
                self.progress = replace(self.progress, unknown=unknown)
                log.warning("policy.unknown_outcome", policy=self._policy.name, log_position=recorded.log_position)
                await asyncio.sleep(pause_s(attempt))
            else:
                return

    async def _declare(self) -> int:
        async with self._pool.connection() as connection:
            await connection.execute(_DECLARE, (self._policy.name, self._policy.first_log_position - 1))
            row = await (await connection.execute(_CURSOR, (self._policy.name,))).fetchone()
            assert row is not None
            self.progress = Progress(self._policy.name, int(row[0]))
            return int(row[0])

    async def _advance(self, old: int, new: int) -> int:
        """Move the cursor; where another process has moved it, go on from there."""
        async with self._pool.connection() as connection:
            moved = await connection.execute(_ADVANCE, (new, self._policy.name, old))
            if moved.rowcount == 1:
                self.progress = Progress(self._policy.name, new)
                return new
        return await self._declare()
