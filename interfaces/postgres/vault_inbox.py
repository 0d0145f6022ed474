"""The inbox in PostgreSQL: the bodies of verified messages, sealed, the first of each kept as it came.

Messages that arrive while others are written are written together, with one commit for all of them.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from application.ports import Clock, ProviderEvent
from application.streams import SYSTEM
from interfaces.postgres.connections import Pool, committing_each, reading
from interfaces.postgres.vault_crypto import VaultKeys, seal, unseal

_VERSION = 1

_PUT = """
insert into vault.inbox (provider, event, sealed, received_at)
select provider, event, sealed, received_at
from unnest(%s::text[], %s::text[], %s::bytea[], %s::timestamptz[]) as message (provider, event, sealed, received_at)
on conflict do nothing
"""
_GET = "select sealed from vault.inbox where provider = %s and event = %s"


Row = tuple[str, str, bytes, datetime]


@dataclass(slots=True)
class _Batch:
    """Messages that are written together, and what ends when they are."""

    rows: list[Row] = field(default_factory=list)
    written: asyncio.Task[None] | None = None


class PostgresInbox:
    """The port `Inbox` (application/ports.py)."""

    def __init__(self, source: Pool, keys: VaultKeys, clock: Clock) -> None:
        self._source = source
        self._keys = keys
        self._clock = clock
        self._turn = asyncio.Lock()
        self._next: _Batch | None = None

    async def put_message(self, event: ProviderEvent, body: bytes) -> None:
        """See the port."""
        sealed = seal(self._keys.wrapping, body, *_place(event.provider, event.id))
        if self._next is None:
            self._next = _Batch()
            self._next.written = asyncio.create_task(self._write(self._next))
        self._next.rows.append((event.provider, event.id, sealed, self._clock.now()))
        assert self._next.written is not None
        await asyncio.shield(self._next.written)  # one of them may leave, the others stay

    async def _write(self, batch: _Batch) -> None:
        """Write a batch when the one before is written; whoever comes then is of the next."""
        async with self._turn:
            self._next = None
            async with committing_each(self._source) as connection:
                await connection.execute(_PUT, [list(column) for column in zip(*batch.rows, strict=True)])

    async def get_message(self, provider: str, event: str) -> bytes | None:
        """See the port."""
        async with reading(self._source, SYSTEM) as connection:
            row = await (await connection.execute(_GET, [provider, event])).fetchone()
        return None if row is None else unseal(self._keys.wrapping, row[0], *_place(provider, event))


def _place(provider: str, event: str) -> tuple[str | int, ...]:
    return SYSTEM, provider, f"inbox.{event}", _VERSION
