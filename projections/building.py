"""Fills a new generation of read models from the log, in one pass for all of them, beside the live ones.

Appended rows go out in portions, what is put and added is gathered to the end, and indexes are made last. Nobody reads
a generation that is being built.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import Any

from psycopg.sql import SQL, Identifier
from pydantic_core import to_json

from application.codec import recall
from application.store import Connection, Store
from projections import generations
from projections.changes import Changes, Row
from projections.generations import Generation
from projections.models import Handled, Projection
from projections.slices import batches

ROWS_PER_COPY = 5_000

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

    def take(self) -> None:
        """Fold the events that were laid out for it."""
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

    async def _copy(self, connection: Connection, table: str, rows: Iterable[Row]) -> None:
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
    projections: Sequence[Projection], *, connect: Connect, store: Store, told: Told | None = None
) -> list[Generation]:
    """Fold the log into a new generation of each model, in one pass, as far as all the live ones are.

    A model that has none yet goes as far as the log does.
    """
    async with await connect() as connection:
        live = await generations.live_generations(connection)
        end = min([live[one.name].log_position for one in projections if one.name in live], default=await store.head())
        builds = [await _begin(connection, projection) for projection in projections]
        interested = defaultdict(list)
        for one in builds:
            for name in one.projection.handles:
                interested[name].append(one.events)
        async with aclosing(batches(store, interested, after=0, upto=end)) as found:
            async for batch in found:
                for recorded in batch.events:
                    handled = recorded, recall(recorded.name, recorded.state)
                    for events in interested[recorded.name]:
                        events.append(handled)
                for one in builds:
                    one.take()
                    await one.flush(connection, ROWS_PER_COPY)
                if told is not None:
                    told(batch.end, end)
        for one in builds:
            await one.finish(connection, end)
        return [one.generation for one in builds]


async def _begin(connection: Connection, projection: Projection) -> _Build:
    async with connection.transaction():
        generation = await generations.create(connection, projection.name, role="building")
        columns = {}
        for table in await generations.tables_of(connection, generation):
            columns[table] = await generations.columns_of(connection, generation, table)
    return _Build(projection, generation, columns)
