"""What proves API keys, in PostgreSQL: sealed with the key of the person whose they are, read as one record.

It decides nothing about what a key may do, nor whether it is still good: that is the log's to say.
"""

from base64 import b64decode, b64encode
from collections.abc import Collection
from datetime import datetime, timedelta

from pydantic_core import from_json, to_json

from application.ports import Clock, Credential, KeptCredential, UnknownSubject
from domain.ids import ApiKeyId, SubjectId
from interfaces.postgres.connections import Pool, reading, writing
from interfaces.postgres.vault_crypto import VaultKeys, seal, unseal

_ORPHAN_AGE = timedelta(hours=1)
_VERSION = 1

_KEY = "select sealed_key from vault.subjects where tenant = %s and subject = %s for share"
_PUT = """
insert into vault.api_keys (tenant, key, subject, stream, sealed, touched_at)
values (%(tenant)s, %(key)s, %(subject)s, %(stream)s, %(sealed)s, %(now)s)
on conflict (tenant, key) do update set touched_at = excluded.touched_at
returning sealed = %(sealed)s
"""
_GET = """
select k.key, k.subject, s.sealed_key, k.sealed, k.last_used_at
from vault.api_keys as k inner join vault.subjects as s on s.tenant = k.tenant and s.subject = k.subject
where k.tenant = %s and k.key = any(%s) and s.sealed_key is not null
"""
_USED = """
update vault.api_keys set last_used_at = greatest(last_used_at, %(at)s) where tenant = %(tenant)s and key = %(key)s
"""
_SWEEP = """
delete from vault.api_keys as k where k.tenant = %s and k.touched_at < %s
    and not exists (select from log.events as e where e.originator_id = k.stream and e.originator_version = 1)
"""


class PostgresApiKeys:
    """The port `ApiKeys` (application/ports.py)."""

    def __init__(self, source: Pool, keys: VaultKeys, clock: Clock) -> None:
        self._source = source
        self._keys = keys
        self._clock = clock

    async def put_credential(
        self, tenant: str, key: ApiKeyId, *, owner: SubjectId, stream: str, credential: Credential
    ) -> bool:
        """See the port."""
        async with writing(self._source, tenant) as connection:
            row = await (await connection.execute(_KEY, [tenant, owner])).fetchone()
            if row is None or row[0] is None:
                raise UnknownSubject(subject=owner)
            sealed = seal(self._open_key(row[0], tenant, owner), _written(credential), *_place(tenant, owner, key))
            columns = {"tenant": tenant, "key": key, "subject": owner, "stream": stream, "sealed": sealed}
            put = await (await connection.execute(_PUT, {**columns, "now": self._clock.now()})).fetchone()
        return put == (True,)

    async def get_credentials(self, tenant: str, keys: Collection[ApiKeyId]) -> dict[ApiKeyId, KeptCredential]:
        """See the port."""
        async with reading(self._source, tenant) as connection:
            rows = await (await connection.execute(_GET, [tenant, list(keys)])).fetchall()
        return {
            ApiKeyId(key): KeptCredential(
                credential=_read(
                    unseal(self._open_key(sealed_key, tenant, owner), sealed, *_place(tenant, owner, key))
                ),
                last_used_at=last_used_at,
            )
            for key, owner, sealed_key, sealed, last_used_at in rows
        }

    async def note_use(self, tenant: str, key: ApiKeyId, at: datetime) -> None:
        """See the port."""
        async with writing(self._source, tenant) as connection:
            await connection.execute(_USED, {"tenant": tenant, "key": key, "at": at})

    async def sweep_credentials(self, tenant: str) -> int:
        """See the port."""
        async with writing(self._source, tenant) as connection:
            return (await connection.execute(_SWEEP, [tenant, self._clock.now() - _ORPHAN_AGE])).rowcount

    def _open_key(self, sealed_key: bytes, tenant: str, subject: str) -> bytes:
        return unseal(self._keys.wrapping, sealed_key, tenant, subject, "key", 1)


def _written(credential: Credential) -> bytes:
    proof = b64encode(credential.proof).decode()
    return to_json({"name": credential.name, "addresses": list(credential.addresses), "proof": proof})


def _read(plain: bytes) -> Credential:
    said = from_json(plain)
    return Credential(name=said["name"], addresses=tuple(said["addresses"]), proof=b64decode(said["proof"]))


def _place(tenant: str, owner: str, key: str) -> tuple[str | int, ...]:
    return tenant, owner, f"api_keys.{key}", _VERSION
