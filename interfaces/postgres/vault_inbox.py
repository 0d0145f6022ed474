"""The inbox in PostgreSQL: the bodies of verified messages, sealed, the first of each kept as it came."""

from application.ports import Clock, ProviderEvent
from application.streams import SYSTEM
from interfaces.postgres.connections import Pool, reading, writing
from interfaces.postgres.vault_crypto import VaultKeys, seal, unseal

_VERSION = 1

_PUT = """
insert into vault.inbox (provider, event, sealed, received_at) values (%s, %s, %s, %s) on conflict do nothing
"""
_GET = "select sealed from vault.inbox where provider = %s and event = %s"


class PostgresInbox:
    """The port `Inbox` (application/ports.py)."""

    def __init__(self, source: Pool, keys: VaultKeys, clock: Clock) -> None:
        self._source = source
        self._keys = keys
        self._clock = clock

    async def put_message(self, event: ProviderEvent, body: bytes) -> None:
        """See the port."""
        sealed = seal(self._keys.wrapping, body, *_place(event.provider, event.id))
        async with writing(self._source, SYSTEM) as connection:
            await connection.execute(_PUT, [event.provider, event.id, sealed, self._clock.now()])

    async def get_message(self, provider: str, event: str) -> bytes | None:
        """See the port."""
        async with reading(self._source, SYSTEM) as connection:
            row = await (await connection.execute(_GET, [provider, event])).fetchone()
        return None if row is None else unseal(self._keys.wrapping, row[0], *_place(provider, event))


def _place(provider: str, event: str) -> tuple[str | int, ...]:
    return SYSTEM, provider, f"inbox.{event}", _VERSION
