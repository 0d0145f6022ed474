"""The inbox in PostgreSQL: the bodies of verified messages, sealed, the first of each kept as it came.

Messages that arrive while others are written are written together, with one commit for all of them.
"""

from collections.abc import Sequence
from datetime import datetime

from application.gathering import Gathering
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


class PostgresInbox:
    """The port `Inbox` (application/ports.py)."""

    def __init__(self, source: Pool, keys: VaultKeys, clock: Clock) -> None:
        self._source = source
        self._keys = keys
        self._clock = clock
        self._writes = Gathering(self._write)

    async def put_message(self, event: ProviderEvent, body: bytes) -> None:
        """See the port."""
        sealed = seal(self._keys.wrapping, body, *_place(event.provider, event.id))
        await self._writes.take((event.provider, event.id, sealed, self._clock.now()))

    async def _write(self, rows: Sequence[Row]) -> None:
        async with committing_each(self._source) as connection:
            await connection.execute(_PUT, [list(column) for column in zip(*rows, strict=True)])

    async def get_message(self, provider: str, event: str) -> bytes | None:
        """See the port."""
        async with reading(self._source, SYSTEM) as connection:
            row = await (await connection.execute(_GET, [provider, event])).fetchone()
        return None if row is None else unseal(self._keys.wrapping, row[0], *_place(provider, event))


def _place(provider: str, event: str) -> tuple[str | int, ...]:
    return SYSTEM, provider, f"inbox.{event}", _VERSION
