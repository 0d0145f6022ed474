"""Compares a generation with the live one, row by row, at the same log position.

The live one goes on meanwhile: its rows are those of one snapshot, and the other is brought to that snapshot's cursor.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from psycopg import IsolationLevel
from psycopg.sql import SQL, Identifier

from application.store import Connection, Store
from projections import generations
from projections.building import Connect
from projections.follower import Follower, Progress
from projections.generations import Generation, RebuildRefused
from projections.models import Projection
from projections.slices import catch_up

SHOWN = 20

_DIFFERENCES = SQL("""
    SELECT 'live', to_jsonb(d)
    FROM (SELECT {columns} FROM {live} EXCEPT ALL SELECT {columns} FROM {candidate}) AS d
    UNION ALL
    SELECT 'candidate', to_jsonb(d)
    FROM (SELECT {columns} FROM {candidate} EXCEPT ALL SELECT {columns} FROM {live}) AS d
    LIMIT %s
""")


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that only one of two generations has."""

    table: str
    only_in: str
    row: Mapping[str, Any]


async def compare(
    projection: Projection, candidate: Generation, *, connect: Connect, store: Store, shown: int = SHOWN
) -> list[Difference]:
    """Return rows that are not in both generations, up to `shown` of each table.

    The candidate is brought to the live cursor inside the transaction whose snapshot holds the live rows, and stays.
    What the live tables do not have yet, a column or a table, is nothing to compare. Raises `RebuildRefused` where the
    live generation stands behind the candidate.
    """
    async with following(projection, candidate, connect) as (connection, follower):
        await catch_up(follower, store, (await generations.live_generation(connection, candidate.name)).log_position)
        await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        async with connection.transaction():
            live = await generations.live_generation(connection, candidate.name)
            await catch_up(follower, store, live.log_position)
            if follower.progress.log_position != live.log_position:
                raise RebuildRefused(
                    f"{live.schema} stands at {live.log_position}, behind {candidate.schema} at "
                    f"{follower.progress.log_position}: there is no position to compare them at"
                )
            await connection.execute("SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on")
            return await _differences(connection, live, candidate, shown=shown)


async def _differences(
    connection: Connection, live: Generation, candidate: Generation, *, shown: int
) -> list[Difference]:
    found: list[Difference] = []
    known = await generations.tables_of(connection, live)
    for table in await generations.tables_of(connection, candidate):
        if table not in known:
            continue
        names = {"live": Identifier(live.schema, table), "candidate": Identifier(candidate.schema, table)}
        ours, theirs = [await generations.columns_of(connection, one, table) for one in (live, candidate)]
        columns = SQL(", ").join(Identifier(column) for column in theirs if column in ours)
        query = _DIFFERENCES.format(columns=columns, **names)
        rows = await (await connection.execute(query, (shown,))).fetchall()
        found.extend(Difference(table, only_in, row) for only_in, row in rows)
    return found


@asynccontextmanager
async def following(
    projection: Projection, candidate: Generation, connect: Connect
) -> AsyncIterator[tuple[Connection, Follower]]:
    """Give a follower of a candidate that has it to itself, and its connection."""
    async with await connect() as connection:
        progress = Progress(candidate.log_position)
        mine = replace(candidate, role="building")
        follower = Follower(projection, mine, connection=connection, progress=progress)
        await follower.take()
        yield connection, follower
