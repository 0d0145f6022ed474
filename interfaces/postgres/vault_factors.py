"""Second factors in PostgreSQL: the port `SecondFactors`. The secret is sealed with the person's own key.

A step and a backup code are used up by one statement, so of two processes that are shown the same code one refuses it.
"""

from collections.abc import Collection

from application.identity_ports import Factor, FactorIsOn
from application.ports import Clock, UnknownSubject
from domain.ids import SubjectId
from interfaces.postgres.connections import Pool, reading, writing
from interfaces.postgres.vault_crypto import VaultKeys, seal, unseal

_VERSION = 1

_KEY = "select sealed_key from vault.subjects where tenant = %s and subject = %s and sealed_key is not null for share"
_BEGIN = """
insert into vault.second_factors (tenant, subject, sealed, made_at) values (%s, %s, %s, %s)
on conflict (tenant, subject) do update
set sealed = excluded.sealed, made_at = excluded.made_at, last_step = 0
where second_factors.confirmed_at is null
returning subject
"""
_GET = """
select s.sealed_key, f.sealed, f.confirmed_at is not null
from vault.second_factors as f inner join vault.subjects as s on s.tenant = f.tenant and s.subject = f.subject
where f.tenant = %s and f.subject = %s and s.sealed_key is not null
"""
_USE_STEP = """
update vault.second_factors set last_step = %(step)s
where tenant = %(tenant)s and subject = %(subject)s and last_step < %(step)s returning last_step
"""
_CONFIRM = """
update vault.second_factors set confirmed_at = coalesce(confirmed_at, %s) where tenant = %s and subject = %s
returning subject
"""
_PUT_CODE = "insert into vault.backup_codes (tenant, subject, hash) values (%s, %s, %s)"
_USE_CODE = """
update vault.backup_codes set used_at = %s where tenant = %s and subject = %s and hash = %s and used_at is null
returning hash
"""
_COUNT = "select count(*) from vault.backup_codes where tenant = %s and subject = %s and used_at is null"
_DELETE_CODES = "delete from vault.backup_codes where tenant = %s and subject = %s"
_DELETE = "delete from vault.second_factors where tenant = %s and subject = %s"


class PostgresSecondFactors:
    """The port `SecondFactors` (application/identity_ports.py)."""

    def __init__(self, source: Pool, keys: VaultKeys, clock: Clock) -> None:
        self._source = source
        self._keys = keys
        self._clock = clock

    async def begin_factor(self, tenant: str, subject: SubjectId, secret: str) -> None:
        """See the port."""
        async with writing(self._source, tenant) as connection:
            row = await (await connection.execute(_KEY, [tenant, subject])).fetchone()
            if row is None:
                raise UnknownSubject(subject=subject)
            sealed = seal(self._open(row[0], tenant, subject), secret.encode(), *_place(tenant, subject))
            put = await connection.execute(_BEGIN, [tenant, subject, sealed, self._clock.now()])
            if await put.fetchone() is None:
                raise FactorIsOn

    async def get_factor(self, tenant: str, subject: SubjectId) -> Factor | None:
        """See the port."""
        async with reading(self._source, tenant) as connection:
            row = await (await connection.execute(_GET, [tenant, subject])).fetchone()
        if row is None:
            return None
        sealed_key, sealed, is_confirmed = row
        secret = unseal(self._open(sealed_key, tenant, subject), sealed, *_place(tenant, subject)).decode()
        return Factor(secret=secret, is_confirmed=is_confirmed)

    async def use_step(self, tenant: str, subject: SubjectId, step: int) -> bool:
        """See the port."""
        async with writing(self._source, tenant) as connection:
            used = await connection.execute(_USE_STEP, {"tenant": tenant, "subject": subject, "step": step})
            return await used.fetchone() is not None

    async def confirm_factor(self, tenant: str, subject: SubjectId, backup_codes: Collection[str]) -> None:
        """See the port."""
        hashes = {self._keys.backup_code(tenant, subject, code) for code in backup_codes}
        async with writing(self._source, tenant) as connection:
            confirmed = await connection.execute(_CONFIRM, [self._clock.now(), tenant, subject])
            if await confirmed.fetchone() is None:
                raise UnknownSubject(subject=subject)
            await connection.execute(_DELETE_CODES, [tenant, subject])
            for hashed in sorted(hashes):
                await connection.execute(_PUT_CODE, [tenant, subject, hashed])

    async def use_backup_code(self, tenant: str, subject: SubjectId, code: str) -> bool:
        """See the port."""
        hashed = self._keys.backup_code(tenant, subject, code)
        async with writing(self._source, tenant) as connection:
            used = await connection.execute(_USE_CODE, [self._clock.now(), tenant, subject, hashed])
            return await used.fetchone() is not None

    async def count_backup_codes(self, tenant: str, subject: SubjectId) -> int:
        """See the port."""
        async with reading(self._source, tenant) as connection:
            row = await (await connection.execute(_COUNT, [tenant, subject])).fetchone()
        assert row is not None
        return int(row[0])

    async def remove_factor(self, tenant: str, subject: SubjectId) -> None:
        """See the port."""
        async with writing(self._source, tenant) as connection:
            await connection.execute(_DELETE_CODES, [tenant, subject])
            await connection.execute(_DELETE, [tenant, subject])

    def _open(self, sealed_key: bytes, tenant: str, subject: str) -> bytes:
        return unseal(self._keys.wrapping, sealed_key, tenant, subject, "key", _VERSION)


def _place(tenant: str, subject: str) -> tuple[str | int, ...]:
    return tenant, subject, "second_factors", _VERSION
