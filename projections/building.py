"""Fills a new generation of read models from the log, in one pass for all of them, beside the live ones.

Appended rows go out in portions, what is put and added is gathered to the end, and indexes are made last. Nobody reads
a generation that is being built. Another process may fold a share of a long log.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import lru_cache
from operator import itemgetter
from typing import Any

from psycopg.sql import SQL, Identifier
from pydantic_core import to_json

from application.codec import recall
from application.store import Connection, Store
from application.tasks import end as end_task
from projections import generations
from projections.changes import Changes, Row
from projections.generations import Generation
from projections.models import Handled, Projection
from projections.parts import Apart, Part, Shared, is_worth_sharing, parts_of
from projections.slices import batches

ROWS_PER_COPY = 5_000
AT_A_TIME = 250
"""Events that all models take before the next are decoded: these still lie in the processor's cache."""

Connect = Callable[[], Awaitable[Connection]]
Told = Callable[[int, int], None]
"""Is told how far a build is: the log position it has reached, and the one it goes to."""

_TEXTS: Mapping[str, Callable[[Any], str]] = {
    "timestamp with time zone": lru_cache(maxsize=1_024)(str),
    "jsonb": lambda value: to_json(value).decode(),
}
"""What psycopg's own dumpers, written in Python, would take longer for; many rows share their times."""

_FILLED = "UPDATE projection.generations SET log_position = %s WHERE name = %s AND number = %s"


@dataclass(slots=True)
class _Build:
    """A generation being filled: appended rows go out in portions, what is put and added is gathered to the end."""

    projection: Projection
    generation: Generation
    columns: dict[str, dict[str, str]]
    changes: Changes = field(default_factory=Changes)
    events: list[Handled] = field(default_factory=list)
    copied: int = 0

    def take(self) -> None:
        """Fold the events that were laid out for it."""
        if self.events:
            self.changes.take(self.projection.apply_all(self.events))
            self.events.clear()

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

    async def _copy(self, connection: Connection, table: str, rows: Sequence[Row]) -> None:
        self.copied += len(rows)
        columns = self.columns[table]
        names = SQL(", ").join(map(Identifier, columns))
        statement = SQL("COPY {} ({}) FROM STDIN").format(Identifier(self.generation.schema, table), names)
        texts = [(place, _TEXTS[kind]) for place, kind in enumerate(columns.values()) if kind in _TEXTS]
        all_of = itemgetter(*columns)
        async with connection.cursor().copy(statement) as copy:
            write_row = copy.formatter.write_row
            for row in rows:
                values = list(all_of(row) if len(row) == len(columns) else map(row.get, columns))
                for place, text in texts:
                    if values[place] is not None:
                        values[place] = text(values[place])
                if block := write_row(values):
                    await copy.write(block)


async def fill(
    projections: Sequence[Projection],
    *,
    connect: Connect,
    store: Store,
    told: Told | None = None,
    apart: Apart | None = None,
) -> list[Generation]:
    """Fold the log into a new generation of each model, in one pass, as far as all the live ones are.

    A model that has none yet goes as far as the log does. Of a long log `apart` folds a share.
    """
    async with await connect() as connection:
        live = await generations.live_generations(connection)
        end = min([live[one.name].log_position for one in projections if one.name in live], default=await store.head())
        builds = [await _begin(connection, projection) for projection in projections]
        folded = _Folded(end, told)
        if apart is None or not is_worth_sharing(end):
            await _fold(builds, Part(0, end), connection=connection, store=store, told=folded.add)
        else:
            shared = Shared(await parts_of(store, end))
            theirs = asyncio.create_task(shared.hand_out(apart, [one.generation for one in builds], folded.add))
            try:
                while (part := shared.take()) is not None:
                    await _fold(builds, part, connection=connection, store=store, told=folded.add)
                await theirs
            finally:
                await end_task(theirs)
            for back in shared.back:
                for one, changes in zip(builds, back, strict=True):
                    one.changes.merge(changes)
        async with await connect() as second:
            await _finish_all(builds, (connection, second), end)
        return [replace(one.generation, log_position=end) for one in builds]


async def _finish_all(builds: Sequence[_Build], by: tuple[Connection, Connection], end: int) -> None:
    """Finish on two connections: the largest model takes as long as all others together."""
    left = deque(sorted(builds, key=lambda one: one.copied, reverse=True))

    async def finish(connection: Connection) -> None:
        while left:
            await left.popleft().finish(connection, end)

    others = asyncio.create_task(finish(by[1]))
    try:
        await finish(by[0])
        await others
    finally:
        await end_task(others)


async def fold_part(
    projections: Sequence[Projection], made: Sequence[Generation], part: Part, *, connection: Connection, store: Store
) -> list[Changes]:
    """Fold a part into generations that another process builds; return for each what that puts and adds."""
    builds = [await _open(connection, *one) for one in zip(projections, made, strict=True)]
    await _fold(builds, part, connection=connection, store=store, told=lambda _: None)
    for one in builds:
        await one.flush(connection, 1)
    return [one.changes for one in builds]


async def _fold(
    builds: Sequence[_Build], part: Part, *, connection: Connection, store: Store, told: Callable[[int], None]
) -> None:
    interested = defaultdict(list)
    for one in builds:
        for name in one.projection.handles:
            interested[name].append(one.events)
    behind = part.behind
    async with aclosing(batches(store, interested, after=behind, upto=part.upto)) as found:
        async for batch in found:
            for start in range(0, len(batch.events), AT_A_TIME):
                for recorded in batch.events[start : start + AT_A_TIME]:
                    handled = recorded, recall(recorded.name, recorded.state)
                    for events in interested[recorded.name]:
                        events.append(handled)
                for one in builds:
                    one.take()
            for one in builds:
                await one.flush(connection, ROWS_PER_COPY)
            told(batch.end - behind)
            behind = batch.end


class _Folded:
    """Counts the events that were folded, here and elsewhere."""

    def __init__(self, end: int, told: Told | None) -> None:
        self._done, self._end, self._told = 0, end, told

    def add(self, events: int) -> None:
        """Tell of some more."""
        self._done += events
        if self._told is not None:
            self._told(self._done, self._end)


async def _begin(connection: Connection, projection: Projection) -> _Build:
    async with connection.transaction():
        generation = await generations.create(connection, projection.name, role="building")
        return await _open(connection, projection, generation)


async def _open(connection: Connection, projection: Projection, generation: Generation) -> _Build:
    columns = {}
    for table in await generations.tables_of(connection, generation):
        columns[table] = await generations.columns_of(connection, generation, table)
    return _Build(projection, generation, columns)
