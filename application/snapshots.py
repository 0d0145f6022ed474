"""Snapshots of long streams: a follower writes the state every so many events. They save work and prove nothing.

One that cannot be read is ignored and its stream replayed; `audit verify` compares them with replay.
"""

import asyncio

from psycopg_pool import AsyncConnectionPool

from application.cache import StateCache
from application.states import encode_state, schema_hash_of
from application.store import Connection, Store
from application.streams import is_house

EVERY = 1_000
LOOK_S = 1.0
"""Nobody waits for a snapshot: looking once a second, and not after every append, leaves the machine to the writers."""

_WRITE = """
    INSERT INTO log.snapshots (stream, version, schema_hash, state) VALUES (%s, %s, %s, %s)
    ON CONFLICT (stream, version) DO NOTHING
"""


class Snapshots:
    """The follower that writes a snapshot when a stream passes a multiple of `EVERY` events."""

    def __init__(self, *, store: Store, pool: AsyncConnectionPool[Connection], every: int = EVERY) -> None:
        self._store = store
        self._pool = pool
        self._every = every

    async def run(self, after: int) -> None:
        """Follow the log from a position for ever; what was missed while nobody followed only costs time."""
        while True:
            head = await self._store.head()
            for stream in await self._store.grown(after, head, every=self._every):
                if not is_house(stream):
                    await self.write(stream)
            after = head
            await asyncio.sleep(LOOK_S)

    async def write(self, stream: str) -> None:
        """Snapshot a stream as it is now."""
        entry = (await StateCache(1).refresh([stream], self._store.load))[stream]
        async with self._pool.connection() as connection:
            await connection.execute(
                _WRITE, (stream, entry.version, schema_hash_of(stream), encode_state(stream, entry.state))
            )
