"""Makes another generation the live one under the eyes of readers: forward to a new one, or back to the old.

No reader waits longer than a lock time-out, sees a model go back, or sees half of one (docs/decisions/0007).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from random import uniform

from psycopg.errors import LockNotAvailable
from psycopg.sql import SQL

from application.store import Connection, Store
from projections import generations
from projections.building import Connect
from projections.comparison import following
from projections.follower import Follower, Overtaken
from projections.generations import Generation, RebuildRefused
from projections.models import Projection
from projections.slices import catch_up

LOCK_TIMEOUT_MS = 50
FIRST_STOP_S, LONGEST_STOP_S = 0.1, 2.0
"""How long the live generation may stand still for a switch: at first, and where that was not enough."""
LONGEST_WAIT_S = 60.0
PAUSE_S = 0.005

_RETIRE = "UPDATE projection.generations SET role = 'retired' WHERE name = %s AND role = 'live' RETURNING log_position"
_PROMOTE = "UPDATE projection.generations SET role = 'live' WHERE name = %s AND number = %s"
_SET_ROLE = "UPDATE projection.generations SET role = %s WHERE name = %s AND number = %s AND role = %s"
_LOOKING = """
    SELECT l.virtualxid FROM pg_locks AS l INNER JOIN pg_stat_activity AS a USING (pid)
    WHERE l.locktype = 'virtualxid' AND a.datname = current_database() AND a.pid <> pg_backend_pid()
        AND a.backend_xmin IS NOT NULL AND pg_backend_pid() <> ALL(pg_blocking_pids(a.pid))
"""


async def switch(projection: Projection, candidate: Generation, *, connect: Connect, store: Store) -> None:
    """Make the candidate live: bring it to the live cursor, then repoint all views, in one transaction.

    It gives way to readers at once and tries again, so that none waits longer than the lock time-out. Raises
    `RebuildRefused` when the views are in use, or old transactions open, for too long.
    """
    deadline, stop_s = _now() + LONGEST_WAIT_S, FIRST_STOP_S
    async with following(projection, candidate, connect) as (_, follower), await connect() as connection:
        while True:
            live = (await generations.live_generations(connection)).get(candidate.name)
            if live is not None:
                await catch_up(follower, store, live.log_position)
            try:
                await _until_ended(connection, await _looking(connection), until=deadline)
                async with connection.transaction():
                    await _switch(connection, candidate, follower=follower, store=store, stop_s=stop_s)
            except (LockNotAvailable, TimeoutError):
                if _now() > deadline:
                    raise RebuildRefused(f"the views of {candidate.name} are in use by long transactions") from None
                stop_s = min(2 * stop_s, LONGEST_STOP_S)
                await asyncio.sleep(uniform(0.0, 0.1))  # noqa: S311 - not to meet the same reader again
            else:
                return


async def roll_back(projection: Projection, retired: Generation, *, connect: Connect, store: Store) -> Generation:
    """Make a generation live again that was live before, and return it; the present one becomes a retired one.

    Raises `RebuildRefused`, or whatever keeps it from following the log to where readers are.
    """
    async with set_aside(retired, connect):
        await switch(projection, retired, connect=connect, store=store)
    return retired


@asynccontextmanager
async def set_aside(generation: Generation, connect: Connect) -> AsyncIterator[None]:
    """Keep the workers from following a retired generation as long as somebody compares it or switches to it.

    Who is killed in between leaves it as a candidate, which can be switched to or dropped.
    """
    key = (generation.name, generation.number)
    async with await connect() as connection:
        was_retired = (await connection.execute(_SET_ROLE, ("building", *key, "retired"))).rowcount == 1
        try:
            yield
        finally:
            if was_retired:
                await connection.execute(_SET_ROLE, ("retired", *key, "building"))


async def _switch(
    connection: Connection, candidate: Generation, *, follower: Follower, store: Store, stop_s: float
) -> None:
    """Stop the live generation, bring the candidate to it in a transaction of its own, and repoint the views.

    Between the two, whoever looked before the candidate was there must have ended: such a transaction would see in the
    new views what the candidate was in its snapshot, older than what it may have seen in the live one. Those that were
    there long before were waited for already, so that the live generation is stopped for short ones only.
    """
    await connection.execute(SQL("SET LOCAL lock_timeout = {}").format(LOCK_TIMEOUT_MS))
    row = await (await connection.execute(_RETIRE, (candidate.name,))).fetchone()
    if row is not None:
        await catch_up(follower, store, row[0])
        await _until_ended(connection, await _looking(connection), until=_now() + stop_s)
    promoted = await connection.execute(_PROMOTE, (candidate.name, candidate.number))
    if promoted.rowcount != 1:
        raise Overtaken
    await generations.point_views(connection, replace(candidate, role="live"))


async def _looking(connection: Connection) -> set[str]:
    """Return the names of the transactions that hold a snapshot in this database, without the caller's own.

    All others will take theirs later, and see in it whatever is committed by now. The live generation's follower, which
    waits for the caller to let its cursor go, is not waited for in turn: it writes and reads nothing through a view.
    """
    return {row[0] for row in await (await connection.execute(_LOOKING)).fetchall()}


async def _until_ended(connection: Connection, transactions: set[str], *, until: float) -> None:
    """Wait until these transactions have ended, or hold no snapshot any more. Raises `TimeoutError`."""
    while transactions & await _looking(connection):
        if _now() > until:
            raise TimeoutError
        await asyncio.sleep(PAUSE_S)


def _now() -> float:
    return asyncio.get_running_loop().time()
