"""Moves cursors of read models that have nothing to write: all of a process in one transaction, as soon as they ask."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from application.gathering import Gathering
from application.store import Connection

_ADVANCE = """
    WITH free AS MATERIALIZED (
        SELECT step.* FROM unnest(%s::text[], %s::int[], %s::bigint[], %s::bigint[], %s::bigint[])
            WITH ORDINALITY AS step (name, number, epoch, before, after, n)
        INNER JOIN projection.generations AS g USING (name, number)
        FOR UPDATE OF g SKIP LOCKED
    )
    SELECT n FROM free WHERE projection.advance(name, number, epoch, before, after)
"""
"""Whoever holds a generation, for a switch, holds up nobody else's."""


class Step(NamedTuple):
    """A generation's cursor on its way from one log position to another, as whoever has that epoch moves it."""

    name: str
    number: int
    epoch: int
    before: int
    after: int


class Cursors:
    """`connect` opens a connection of the projector's role in autocommit mode; a lost one is opened again."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]]) -> None:
        self._connect = connect
        self._connection: Connection | None = None
        self._moving = Gathering(self._move)

    async def move(self, step: Step) -> bool:
        """Move a cursor and return whether that was done: not where it is held or somewhere else.

        What breaks it is raised for all who asked.
        """
        return step in await self._moving.take(step)

    async def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            await self._connection.close()

    async def _move(self, steps: Sequence[Step]) -> frozenset[Step]:
        if self._connection is None or self._connection.closed:
            self._connection = await self._connect()
            await self._connection.execute("SET synchronous_commit = off")
        columns = [list(column) for column in zip(*steps, strict=True)]
        moved = await self._connection.execute(_ADVANCE, columns, prepare=True)
        return frozenset(steps[n - 1] for (n,) in await moved.fetchall())
