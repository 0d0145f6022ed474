"""The vault's subjects in PostgreSQL: personal data and credentials, readable only with the subject's key.

It decides nothing about who may see what. A subject's row is locked while one of its values is replaced; nothing is
ever decrypted in SQL.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Literal

from psycopg import sql

from application.ports import Clock, UnknownSubject
from domain.ids import SubjectId
from interfaces.postgres.connections import Connection, Pool, reading, writing
from interfaces.postgres.vault_crypto import VaultKeys, VaultUnusable, new_key, seal, unseal

Kind = Literal["records", "credentials"]

_EMAIL, _PASSWORD = "email", "password"
_ORPHAN_AGE = timedelta(hours=1)
_OF_SUBJECTS = (
    *("records", "credentials", "sessions", "destinations", "api_keys", "outbox", "proofs"),
    *("backup_codes", "second_factors", "identities", "provider_logins"),
)
"""Tables whose rows belong to a subject and go with it."""

_FIRST_KEY = "insert into vault.master_key (fingerprint) values (%s) on conflict do nothing"
_CREATE = """
insert into vault.subjects (tenant, subject, stream, sealed_key, email_lookup, touched_at)
values (%(tenant)s, %(subject)s, %(stream)s, %(sealed_key)s, %(email_lookup)s, %(now)s)
on conflict (tenant, subject) do update set touched_at = excluded.touched_at
returning sealed_key is not distinct from %(sealed_key)s
"""
_LOCK = "select sealed_key from vault.subjects where tenant = %s and subject = %s for update"
_VERSION = "select version from vault.{} where tenant = %s and subject = %s and name = %s"
_PUT = """
insert into vault.{} (tenant, subject, name, version, sealed) values (%s, %s, %s, %s, %s)
on conflict (tenant, subject, name) do update set version = excluded.version, sealed = excluded.sealed
"""
_SET_LOOKUP = "update vault.subjects set email_lookup = %s where tenant = %s and subject = %s"
_GET = """
select s.subject, s.sealed_key, v.version, v.sealed
from vault.subjects as s inner join vault.{} as v on v.tenant = s.tenant and v.subject = s.subject
where s.tenant = %s and v.name = %s and s.subject = any(%s) and s.sealed_key is not null
"""
_ERASE = """
update vault.subjects set sealed_key = null, email_lookup = null, erased_at = %s
where tenant = %s and subject = %s and erased_at is null
"""
# A subject whose stream was never made belongs to nobody: it lost the race for the address, or its append never came.
_FIND_BY_EMAIL = """
select s.subject from vault.subjects as s
where s.tenant = %s and s.email_lookup = %s
    and exists (select from log.events as e where e.originator_id = s.stream and e.originator_version = 1)
"""
_LOCK_ORPHANS = """
select s.subject from vault.subjects as s
where s.tenant = %s and s.touched_at < %s and s.erased_at is null
    and not exists (select from log.events as e where e.originator_id = s.stream and e.originator_version = 1)
for update skip locked
"""
_DELETE = "delete from vault.{} where tenant = %s and subject = any(%s)"


async def open_vault(source: Pool, keys: VaultKeys, clock: Clock) -> "PostgresVault":
    """Return the vault once it is known to be sealed with this master key; the first key to come is its key for ever.

    Raises VaultUnusable for any other.
    """
    async with writing(source, "system") as connection:
        await connection.execute(_FIRST_KEY, [keys.fingerprint])
        row = await (await connection.execute("select fingerprint from vault.master_key")).fetchone()
    if row != (keys.fingerprint,):
        raise VaultUnusable(
            f"the vault is sealed with another master key than {keys.fingerprint}: restore that key's file"
        )
    return PostgresVault(source, keys, clock)


class PostgresVault:
    """The port `Vault` (application/ports.py)."""

    def __init__(self, source: Pool, keys: VaultKeys, clock: Clock) -> None:
        self._source = source
        self._keys = keys
        self._clock = clock

    async def create_subject(
        self,
        tenant: str,
        subject: SubjectId,
        *,
        stream: str,
        fields: Mapping[str, str],
        password_hash: str | None = None,
    ) -> bool:
        """See the port."""
        key = new_key()
        row = {
            "tenant": tenant,
            "subject": subject,
            "stream": stream,
            "sealed_key": seal(self._keys.wrapping, key, tenant, subject, "key", 1),
            "email_lookup": self.email_lookup(tenant, fields[_EMAIL]) if _EMAIL in fields else None,
            "now": self._clock.now(),
        }
        async with writing(self._source, tenant) as connection:
            is_new = await (await connection.execute(_CREATE, row)).fetchone()
            if is_new == (False,):
                return False
            values = _Values(connection, tenant=tenant, subject=subject, key=key)
            for field, value in fields.items():
                await values.put("records", field, value)
            if password_hash is not None:
                await values.put("credentials", _PASSWORD, password_hash)
        return True

    async def put_field(self, tenant: str, subject: SubjectId, *, field: str, value: str) -> None:
        """See the port."""
        async with writing(self._source, tenant) as connection:
            values = await self._lock(connection, tenant, subject)
            await values.put("records", field, value)
            if field == _EMAIL:
                await connection.execute(_SET_LOOKUP, [self.email_lookup(tenant, value), tenant, subject])

    async def get_fields(self, tenant: str, field: str, subjects: Collection[SubjectId]) -> dict[SubjectId, str]:
        """See the port."""
        return await self._get("records", field, tenant=tenant, subjects=subjects)

    async def erase_subject(self, tenant: str, subject: SubjectId) -> None:
        """See the port."""
        async with writing(self._source, tenant) as connection:
            await connection.execute(_ERASE, [self._clock.now(), tenant, subject])
            await _delete(connection, tenant, [subject], from_tables=_OF_SUBJECTS)

    def email_lookup(self, tenant: str, email: str) -> str:
        """See the port."""
        return self._keys.email(tenant, email)

    async def find_subject_by_email(self, tenant: str, email: str) -> SubjectId | None:
        """See the port."""
        async with reading(self._source, tenant) as connection:
            cursor = await connection.execute(_FIND_BY_EMAIL, [tenant, self.email_lookup(tenant, email)])
            row = await cursor.fetchone()
        return None if row is None else SubjectId(row[0])

    async def set_password_hash(self, tenant: str, subject: SubjectId, password_hash: str) -> None:
        """See the port."""
        async with writing(self._source, tenant) as connection:
            values = await self._lock(connection, tenant, subject)
            await values.put("credentials", _PASSWORD, password_hash)

    async def get_password_hash(self, tenant: str, subject: SubjectId) -> str | None:
        """See the port."""
        return (await self._get("credentials", _PASSWORD, tenant=tenant, subjects=[subject])).get(subject)

    async def sweep_subjects(self, tenant: str) -> int:
        """See the port."""
        async with writing(self._source, tenant) as connection:
            cursor = await connection.execute(_LOCK_ORPHANS, [tenant, self._clock.now() - _ORPHAN_AGE])
            orphans = [subject for (subject,) in await cursor.fetchall()]
            await _delete(connection, tenant, orphans, from_tables=(*_OF_SUBJECTS, "subjects"))
        return len(orphans)

    async def _lock(self, connection: Connection, tenant: str, subject: SubjectId) -> "_Values":
        row = await (await connection.execute(_LOCK, [tenant, subject])).fetchone()
        if row is None or row[0] is None:
            raise UnknownSubject(subject=subject)
        key = self._open_key(row[0], tenant, subject)
        return _Values(connection, tenant=tenant, subject=subject, key=key)

    async def _get(
        self, kind: Kind, name: str, *, tenant: str, subjects: Collection[SubjectId]
    ) -> dict[SubjectId, str]:
        async with reading(self._source, tenant) as connection:
            cursor = await connection.execute(_on(kind, _GET), [tenant, name, list(subjects)])
            rows = await cursor.fetchall()
        return {
            SubjectId(subject): unseal(
                self._open_key(sealed_key, tenant, subject), sealed, tenant, subject, f"{kind}.{name}", version
            ).decode()
            for subject, sealed_key, version, sealed in rows
        }

    def _open_key(self, sealed_key: bytes, tenant: str, subject: str) -> bytes:
        return unseal(self._keys.wrapping, sealed_key, tenant, subject, "key", 1)


class _Values:
    """The sealed values of one subject, inside a transaction that holds its row."""

    def __init__(self, connection: Connection, *, tenant: str, subject: str, key: bytes) -> None:
        self._connection = connection
        self._tenant = tenant
        self._subject = subject
        self._key = key

    async def put(self, kind: Kind, name: str, value: str) -> None:
        """Seal a value under the next version of its place."""
        where = [self._tenant, self._subject, name]
        row = await (await self._connection.execute(_on(kind, _VERSION), where)).fetchone()
        version = 1 + (row[0] if row else 0)
        sealed = seal(self._key, value.encode(), self._tenant, self._subject, f"{kind}.{name}", version)
        await self._connection.execute(_on(kind, _PUT), [*where, version, sealed])


async def _delete(connection: Connection, tenant: str, subjects: Sequence[str], *, from_tables: Sequence[str]) -> None:
    for table in from_tables:
        await connection.execute(_on(table, _DELETE), [tenant, list(subjects)])


def _on(table: str, statement: str) -> sql.Composed:
    return sql.SQL(statement).format(sql.Identifier(table))
