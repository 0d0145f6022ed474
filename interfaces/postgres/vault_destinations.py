"""The particulars of destinations in PostgreSQL: sealed with the key of the person whose they are, read as one record.

It decides nothing about who may see them. What a well-formed destination is, is decided before one comes here.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta

from pydantic_core import from_json, to_json

from application.ports import Clock, UnknownSubject
from domain.ids import DestinationId, SubjectId
from interfaces.postgres.connections import Pool, reading, writing
from interfaces.postgres.vault_crypto import VaultKeys, seal, unseal

_ORPHAN_AGE = timedelta(hours=1)
_VERSION = 1

_KEY = "select sealed_key from vault.subjects where tenant = %s and subject = %s for share"
_PUT = """
insert into vault.destinations (tenant, destination, subject, stream, sealed, touched_at)
values (%(tenant)s, %(destination)s, %(subject)s, %(stream)s, %(sealed)s, %(now)s)
on conflict (tenant, destination) do update set touched_at = excluded.touched_at
"""
_GET = """
select d.destination, d.subject, s.sealed_key, d.sealed
from vault.destinations as d inner join vault.subjects as s on s.tenant = d.tenant and s.subject = d.subject
where d.tenant = %s and d.destination = any(%s) and s.sealed_key is not null
"""
_SWEEP = """
delete from vault.destinations as d where d.tenant = %s and d.touched_at < %s
    and not exists (select from log.events as e where e.originator_id = d.stream and e.originator_version = 1)
"""


class PostgresDestinations:
    """The port `Destinations` (application/ports.py)."""

    def __init__(self, source: Pool, keys: VaultKeys, clock: Clock) -> None:
        self._source = source
        self._keys = keys
        self._clock = clock

    async def put_destination(
        self, tenant: str, destination: DestinationId, *, owner: SubjectId, stream: str, particulars: Mapping[str, str]
    ) -> None:
        """See the port."""
        async with writing(self._source, tenant) as connection:
            row = await (await connection.execute(_KEY, [tenant, owner])).fetchone()
            if row is None or row[0] is None:
                raise UnknownSubject(subject=owner)
            key = self._open_key(row[0], tenant, owner)
            sealed = seal(key, to_json(particulars), *_place(tenant, owner, destination))
            row_of = {"tenant": tenant, "destination": destination, "subject": owner, "stream": stream}
            await connection.execute(_PUT, {**row_of, "sealed": sealed, "now": self._clock.now()})

    async def get_destinations(
        self, tenant: str, destinations: Collection[DestinationId]
    ) -> dict[DestinationId, dict[str, str]]:
        """See the port."""
        async with reading(self._source, tenant) as connection:
            rows = await (await connection.execute(_GET, [tenant, list(destinations)])).fetchall()
        return {
            DestinationId(destination): from_json(
                unseal(self._open_key(sealed_key, tenant, owner), sealed, *_place(tenant, owner, destination))
            )
            for destination, owner, sealed_key, sealed in rows
        }

    async def sweep_destinations(self, tenant: str) -> int:
        """See the port."""
        async with writing(self._source, tenant) as connection:
            return (await connection.execute(_SWEEP, [tenant, self._clock.now() - _ORPHAN_AGE])).rowcount

    def _open_key(self, sealed_key: bytes, tenant: str, subject: str) -> bytes:
        return unseal(self._keys.wrapping, sealed_key, tenant, subject, "key", 1)


def _place(tenant: str, owner: str, destination: str) -> tuple[str | int, ...]:
    return tenant, owner, f"destinations.{destination}", _VERSION
