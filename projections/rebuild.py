"""Rebuilds read models while they are read: the next generation beside the live one, compared row by row, switched to.

Nobody waits for a rebuild: readers keep the live generation until all its views are repointed at once. What differs is
never switched to. Whoever works on a model's generations holds its lease, and what a killed one left half-built is
cleared away by the next who comes, or by a worker.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress

from psycopg import InterfaceError, OperationalError

from application.store import Connection, Store
from projections import generations
from projections.building import Connect, Told, fill
from projections.comparison import Difference, compare
from projections.generations import Generation, RebuildRefused
from projections.models import Projection
from projections.parts import Apart
from projections.switching import switch

_LEASE = "SELECT pg_try_advisory_lock(hashtextextended('lastro.rebuild.' || %s, 0))"
_RETURN_ALL = "SELECT pg_advisory_unlock_all()"
_RETURN = "SELECT pg_advisory_unlock(hashtextextended('lastro.rebuild.' || %s, 0))"


class GenerationsDiffer(Exception):
    """The new generation is not equal to the live one: one of the two is wrong, and somebody must find out which."""

    def __init__(self, candidate: Generation, differences: Sequence[Difference]) -> None:
        super().__init__(f"{candidate.schema} differs from the live generation: {differences[0]}")
        self.candidate = candidate
        self.differences = differences


async def rebuild(
    projections: Sequence[Projection],
    *,
    connect: Connect,
    store: Store,
    told: Told | None = None,
    apart: Apart | None = None,
) -> list[Generation]:
    """Build a generation of each model, compare it and switch to it; the old ones are followed until they are dropped.

    A model that has no generation yet has nothing to be compared with. All are built before any is switched to. Raises
    `GenerationsDiffer`, whose candidate is kept to be looked at, or `RebuildRefused`.
    """
    async with leased([one.name for one in projections], connect) as connection:
        await drop_all(connection, {one.name for one in projections}, "building")
        live = await generations.live_generations(connection)
        candidates = await fill(projections, connect=connect, store=store, told=told, apart=apart)
        pairs = list(zip(projections, candidates, strict=True))
        for projection, candidate in pairs:
            if projection.name in live:
                await require_equal(projection, candidate, connect=connect, store=store)
        for projection, candidate in pairs:
            await switch(projection, candidate, connect=connect, store=store)
        return candidates


async def build(
    projections: Sequence[Projection],
    *,
    connect: Connect,
    store: Store,
    told: Told | None = None,
    apart: Apart | None = None,
) -> list[Generation]:
    """Only build a candidate of each model, to be compared and switched to by hand. Raises `RebuildRefused`."""
    async with leased([one.name for one in projections], connect):
        return await fill(projections, connect=connect, store=store, told=told, apart=apart)


async def require_equal(projection: Projection, candidate: Generation, *, connect: Connect, store: Store) -> None:
    """Compare a generation with the live one. Raises `GenerationsDiffer`."""
    differences = await compare(projection, candidate, connect=connect, store=store)
    if differences:
        raise GenerationsDiffer(candidate, differences)


@asynccontextmanager
async def leased(names: Iterable[str], connect: Connect) -> AsyncIterator[Connection]:
    """Hold the leases of models on the connection that is given, and end them with it. Raises `RebuildRefused`."""
    async with await connect() as connection:
        for name in sorted(names):
            if not await _lease(connection, name):
                raise RebuildRefused(f"{name} is being rebuilt by somebody else")
        try:
            yield connection
        finally:
            with suppress(OperationalError, InterfaceError):  # with a lost connection they are gone
                await connection.execute(_RETURN_ALL)  # its end alone may reach the server after the next who asks


async def clear_abandoned(connection: Connection) -> list[Generation]:
    """Drop what killed rebuilds left half-built, and return it; what is still being built, or was finished, stays."""
    dropped = []
    for found in await generations.list_generations(connection):
        if _is_half_built(found) and await _lease(connection, found.name):
            try:
                dropped += [
                    one
                    for one in await generations.list_generations(connection)
                    if one.schema == found.schema and _is_half_built(one) and await generations.drop(connection, one)
                ]
            finally:
                await connection.execute(_RETURN, (found.name,))
    return dropped


async def drop_all(connection: Connection, names: Iterable[str], *roles: generations.Role) -> list[Generation]:
    """Drop the generations of models that have one of these roles, and return them. `live` is none."""
    wanted = set(names)
    return [
        one
        for one in await generations.list_generations(connection)
        if one.name in wanted and one.role in roles and await generations.drop(connection, one)
    ]


def _is_half_built(generation: Generation) -> bool:
    """Say whether it is being filled: its cursor is set when it is full."""
    return generation.role == "building" and generation.log_position == 0


async def _lease(connection: Connection, name: str) -> bool:
    row = await (await connection.execute(_LEASE, (name,))).fetchone()
    return row == (True,)
