"""Makes the next generation of read models beside the live one, compares the two row by row, and switches the views.

Nobody waits for a rebuild: readers keep the live generation until all its views are repointed at once. What differs is
never switched to.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import uniform
from typing import Any

import structlog
from psycopg import IsolationLevel
from psycopg.errors import LockNotAvailable
from psycopg.sql import SQL, Identifier
from psycopg.types.json import JsonbDumper

from application.store import Connection, Store
from projections import generations
from projections.changes import Changes, Row
from projections.follower import Follower, Progress
from projections.generations import Generation
from projections.models import Projection
from projections.reader import Fact, Slice

log = structlog.get_logger()

BATCH = 2_000
ROWS_PER_COPY = 5_000
SHOWN = 20
LOCK_TIMEOUT_MS = 50
LONGEST_STOP_S = 0.5
LONGEST_WAIT_S = 60.0

Connect = Callable[[], Awaitable[Connection]]
Told = Callable[[int, int], None]
"""Is told how far a build is: the log position it has reached, and the one it goes to."""

_FILLED = "UPDATE projection.generations SET log_position = %s WHERE name = %s AND number = %s"
_RETIRE = "UPDATE projection.generations SET role = 'retired' WHERE name = %s AND role = 'live' RETURNING log_position"
_PROMOTE = "UPDATE projection.generations SET role = 'live' WHERE name = %s AND number = %s"
_LEASE = "SELECT pg_try_advisory_lock(hashtextextended('lastro.rebuild.' || %s, 0))"
_COLUMNS = """
    SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
_DIFFERENCES = SQL("""
    SELECT 'live', to_jsonb(d) FROM (SELECT * FROM {live} EXCEPT ALL SELECT * FROM {candidate}) AS d
    UNION ALL
    SELECT 'candidate', to_jsonb(d) FROM (SELECT * FROM {candidate} EXCEPT ALL SELECT * FROM {live}) AS d
    LIMIT %s
""")
_RUNNING = """
    SELECT l.virtualxid FROM pg_locks AS l INNER JOIN pg_stat_activity AS a USING (pid)
    WHERE l.locktype = 'virtualxid' AND a.datname = current_database() AND a.pid <> pg_backend_pid()
"""


class RebuildRefused(Exception):
    """The rebuild cannot go on now; nothing was switched."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that only one of two generations has."""

    table: str
    only_in: str
    row: Mapping[str, Any]


class GenerationsDiffer(Exception):
    """The new generation is not equal to the live one: one of the two is wrong, and somebody must find out which."""

    def __init__(self, candidate: Generation, differences: Sequence[Difference]) -> None:
        super().__init__(f"{candidate.schema} differs from the live generation: {differences[0]}")
        self.candidate = candidate
        self.differences = differences


@dataclass(slots=True)
class _Build:
    """A generation being filled: appended rows go out in portions, what is put and added is gathered to the end."""

    projection: Projection
    generation: Generation
    columns: dict[str, list[str]]
    changes: Changes = field(default_factory=Changes)

    def take(self, fact: Fact) -> None:
        self.changes.take(self.projection.apply(fact.recorded, fact.event))

    async def flush(self, connection: Connection, least: int) -> None:
        for table, changes in self.changes.tables.items():
            if len(changes.appended) >= least:
                await self._copy(connection, table, self.changes.take_appended(table))

    async def finish(self, connection: Connection, end: int) -> None:
        async with connection.transaction():
            await self.flush(connection, 1)
            for table, changes in self.changes.tables.items():
                await self._copy(connection, table, changes.rows())
            await generations.create_indexes(connection, self.generation)
            for table in self.columns:
                await connection.execute(SQL("ANALYZE {}").format(Identifier(self.generation.schema, table)))
            await connection.execute(_FILLED, (end, self.generation.name, self.generation.number))

    async def _copy(self, connection: Connection, table: str, rows: Iterable[Row]) -> None:
        columns = self.columns[table]
        names = SQL(", ").join(map(Identifier, columns))
        statement = SQL("COPY {} ({}) FROM STDIN").format(Identifier(self.generation.schema, table), names)
        cursor = connection.cursor()
        cursor.adapters.register_dumper(dict, JsonbDumper)
        async with cursor.copy(statement) as copy:
            for row in rows:
                await copy.write_row(list(map(row.get, columns)))


async def rebuild(
    projections: Sequence[Projection], *, connect: Connect, store: Store, told: Told | None = None
) -> None:
    """Build a generation of each model, compare it and switch to it; the old ones are followed until they are dropped.

    Raises `GenerationsDiffer`, whose candidate is kept to be looked at, or `RebuildRefused`.
    """
    async with await connect() as connection:
        for projection in projections:
            await _lease(connection, projection.name)
        for generation in await generations.list_generations(connection):
            if generation.role == "building" and generation.name in {one.name for one in projections}:
                await generations.drop(connection, generation)
        candidates = await build(projections, connect=connect, store=store, told=told)
        for projection, candidate in zip(projections, candidates, strict=True):
            differences = await compare(projection, candidate, connect=connect, store=store)
            if differences:
                raise GenerationsDiffer(candidate, differences)
            await switch(projection, candidate, connect=connect, store=store)


async def build(
    projections: Sequence[Projection], *, connect: Connect, store: Store, told: Told | None = None
) -> list[Generation]:
    """Fold the log into a new generation of each model, in one pass, as far as all the live ones are."""
    async with await connect() as connection:
        end = min([(await _live(connection, one.name)).log_position for one in projections])
        builds = [await _begin(connection, projection) for projection in projections]
        interested = defaultdict(list)
        for one in builds:
            for name in one.projection.handles:
                interested[name].append(one)
        async for found in _slices(store, 0, end):
            for fact in found.facts:
                for one in interested[fact.recorded.name]:
                    one.take(fact)
            for one in builds:
                await one.flush(connection, ROWS_PER_COPY)
            if told is not None:
                told(found.end, end)
        for one in builds:
            await one.finish(connection, end)
        return [one.generation for one in builds]


async def compare(
    projection: Projection, candidate: Generation, *, connect: Connect, store: Store, shown: int = SHOWN
) -> list[Difference]:
    """Return rows that are not in both generations, up to `shown` of each table.

    The candidate is brought to the live cursor inside the transaction whose snapshot holds the live rows, and stays.
    """
    async with _following(projection, candidate, connect) as (connection, follower):
        await _catch_up(follower, store, (await _live(connection, candidate.name)).log_position)
        await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        async with connection.transaction():
            live = await _live(connection, candidate.name)
            await _catch_up(follower, store, live.log_position)
            await connection.execute("SET LOCAL enable_seqscan = on")
            found: list[Difference] = []
            for table in await generations.tables_of(connection, candidate):
                tables = {"live": Identifier(live.schema, table), "candidate": Identifier(candidate.schema, table)}
                rows = await (await connection.execute(_DIFFERENCES.format(**tables), (shown,))).fetchall()
                found.extend(Difference(table, only_in, row) for only_in, row in rows)
            return found


async def switch(projection: Projection, candidate: Generation, *, connect: Connect, store: Store) -> None:
    """Make the candidate live: bring it to the live cursor, then repoint all views, in one transaction.

    It gives way to readers at once and tries again, so that none waits longer than the lock time-out. Raises
    `RebuildRefused` when the views are in use, or old transactions open, for too long.
    """
    deadline = asyncio.get_running_loop().time() + LONGEST_WAIT_S
    async with _following(projection, candidate, connect) as (_, follower), await connect() as connection:
        while True:
            await _catch_up(follower, store, (await _live(connection, candidate.name)).log_position)
            try:
                async with connection.transaction():
                    await _switch(connection, candidate, follower=follower, store=store)
            except (LockNotAvailable, TimeoutError):
                if asyncio.get_running_loop().time() > deadline:
                    raise RebuildRefused(f"the views of {candidate.name} are in use by long transactions") from None
                await asyncio.sleep(uniform(0.0, 0.1))  # noqa: S311 - not to meet the same reader again
            else:
                return


async def _switch(connection: Connection, candidate: Generation, *, follower: Follower, store: Store) -> None:
    """Stop the live generation, bring the candidate to it in a transaction of its own, and repoint the views.

    Between the two, whoever began to read before the candidate was there must have ended: such a transaction would see
    in the new views what the candidate was in its snapshot, older than what it may have seen in the live one.
    """
    await connection.execute(SQL("SET LOCAL lock_timeout = {}").format(LOCK_TIMEOUT_MS))
    row = await (await connection.execute(_RETIRE, (candidate.name,))).fetchone()
    assert row is not None, f"{candidate.name} has no live generation"
    await _catch_up(follower, store, row[0])
    running = await _running(connection)
    async with asyncio.timeout(LONGEST_STOP_S):
        while running & await _running(connection):  # noqa: ASYNC110 - nobody tells of a transaction's end
            await asyncio.sleep(0.005)
    await connection.execute(_PROMOTE, (candidate.name, candidate.number))
    await generations.point_views(connection, candidate)


async def _running(connection: Connection) -> set[str]:
    """Return the names of the transactions that are open in this database, without the caller's own."""
    return {row[0] for row in await (await connection.execute(_RUNNING)).fetchall()}


@asynccontextmanager
async def _following(
    projection: Projection, candidate: Generation, connect: Connect
) -> AsyncIterator[tuple[Connection, Follower]]:
    async with await connect() as connection:
        progress = Progress(candidate.log_position)
        follower = Follower(projection, candidate, connection=connection, progress=progress)
        await follower.take()
        yield connection, follower


async def _catch_up(follower: Follower, store: Store, end: int) -> None:
    async for found in _slices(store, follower.progress.log_position, end):
        await follower.apply(found)
    await follower.settle()


async def _slices(store: Store, after: int, end: int) -> AsyncIterator[Slice]:
    """Read the log from a position to the end of an append."""
    while after < end:
        batch = await store.read_after(after, limit=BATCH)
        upto = min(batch.end, end)
        yield Slice([Fact(recorded) for recorded in batch.events if recorded.log_position <= upto], upto)
        after = upto


async def _begin(connection: Connection, projection: Projection) -> _Build:
    async with connection.transaction():
        generation = await generations.create(connection, projection.name, role="building")
        columns = {}
        for table in await generations.tables_of(connection, generation):
            rows = await connection.execute(_COLUMNS, (f'"{generation.schema}"."{table}"',))
            columns[table] = [row[0] for row in await rows.fetchall()]
    return _Build(projection, generation, columns)


async def _lease(connection: Connection, name: str) -> None:
    row = await (await connection.execute(_LEASE, (name,))).fetchone()
    if row != (True,):
        raise RebuildRefused(f"{name} is being rebuilt by somebody else")


async def _live(connection: Connection, name: str) -> Generation:
    for generation in await generations.list_generations(connection):
        if generation.name == name and generation.role == "live":
            return generation
    raise RebuildRefused(f"{name} has no live generation: start a worker first")
