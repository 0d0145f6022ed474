"""Accounts at providers in PostgreSQL: the port `Identities`. A provider's id for somebody is kept as a keyed hash.

A login under way is one row. Its state names the tenant, so that it comes back to where it began; state and flow are
kept as hashes, the pledge sealed.
"""

import base64
import hashlib
import re
from datetime import timedelta

from pydantic_core import from_json, to_json

from application.identity_ports import Pledge, ProviderLogin
from application.ports import Clock
from domain.ids import SubjectId
from interfaces.postgres.connections import Pool, reading, writing
from interfaces.postgres.vault_crypto import VaultKeys, new_key, seal, unseal

LIVES = timedelta(minutes=10)
_VERSION = 1
_STATE = re.compile(r"([a-z][a-z0-9]{1,31})\.[A-Za-z0-9_-]{43}")

_FIND = """
select i.subject
from vault.identities as i inner join vault.subjects as s on s.tenant = i.tenant and s.subject = i.subject
where i.tenant = %s and i.provider = %s and i.lookup = %s and s.sealed_key is not null
"""
_LINK = """
insert into vault.identities (tenant, provider, lookup, subject, linked_at) values (%s, %s, %s, %s, %s)
on conflict do nothing
"""
_LIST = "select distinct provider from vault.identities where tenant = %s and subject = %s order by provider"
_UNLINK = "delete from vault.identities where tenant = %s and provider = %s and subject = %s"
_FORGET = "delete from vault.provider_logins where tenant = %s and expires_at <= %s"
_BEGIN = """
insert into vault.provider_logins (tenant, state_hash, flow_hash, provider, sealed, expires_at)
values (%s, %s, %s, %s, %s, %s)
"""
_TAKE = """
update vault.provider_logins set asked_at = %(now)s
where tenant = %(tenant)s and state_hash = %(state)s and flow_hash = %(flow)s and provider = %(provider)s
    and expires_at > %(now)s and ended_at is null and (asked_at is null or subject is not null)
returning sealed, subject
"""
_PROVE = "update vault.provider_logins set subject = %s where tenant = %s and state_hash = %s and subject is null"
_END = """
update vault.provider_logins set ended_at = %s
where tenant = %s and state_hash = %s and subject is not null and ended_at is null returning subject
"""


class PostgresIdentities:
    """The port `Identities` (application/identity_ports.py)."""

    def __init__(self, source: Pool, keys: VaultKeys, clock: Clock) -> None:
        self._source = source
        self._keys = keys
        self._clock = clock

    async def find_identity(self, tenant: str, provider: str, id: str) -> SubjectId | None:
        """See the port."""
        lookup = self._keys.identity(tenant, provider, id)
        async with reading(self._source, tenant) as connection:
            row = await (await connection.execute(_FIND, [tenant, provider, lookup])).fetchone()
        return None if row is None else SubjectId(row[0])

    async def link_identity(self, tenant: str, provider: str, *, id: str, subject: SubjectId) -> None:
        """See the port."""
        lookup = self._keys.identity(tenant, provider, id)
        async with writing(self._source, tenant) as connection:
            await connection.execute(_LINK, [tenant, provider, lookup, subject, self._clock.now()])

    async def list_providers(self, tenant: str, subject: SubjectId) -> list[str]:
        """See the port."""
        async with reading(self._source, tenant) as connection:
            rows = await (await connection.execute(_LIST, [tenant, subject])).fetchall()
        return [provider for (provider,) in rows]

    async def unlink_identities(self, tenant: str, provider: str, subject: SubjectId) -> None:
        """See the port."""
        async with writing(self._source, tenant) as connection:
            await connection.execute(_UNLINK, [tenant, provider, subject])

    async def begin_login(self, tenant: str, provider: str) -> ProviderLogin:
        """See the port."""
        now, state, pledge = self._clock.now(), f"{tenant}.{_random()}", Pledge(verifier=_random(), nonce=_random())
        login = ProviderLogin(tenant=tenant, provider=provider, state=state, flow=_random(), pledge=pledge)
        plain = to_json({"verifier": pledge.verifier, "nonce": pledge.nonce})
        sealed = seal(self._keys.wrapping, plain, *_place(tenant, state))
        row = [tenant, _hash(state), _hash(login.flow), provider, sealed, now + LIVES]
        async with writing(self._source, tenant) as connection:
            await connection.execute(_FORGET, [tenant, now])
            await connection.execute(_BEGIN, row)
        return login

    async def take_login(self, provider: str, *, state: str, flow: str) -> ProviderLogin | None:
        """See the port."""
        named = _STATE.fullmatch(state)
        if named is None:
            return None
        tenant = named[1]
        wanted = {"tenant": tenant, "state": _hash(state), "flow": _hash(flow), "provider": provider}
        async with writing(self._source, tenant) as connection:
            row = await (await connection.execute(_TAKE, {**wanted, "now": self._clock.now()})).fetchone()
        if row is None:
            return None
        sealed, subject = row
        pledge = Pledge(**from_json(unseal(self._keys.wrapping, sealed, *_place(tenant, state))))
        return ProviderLogin(
            tenant=tenant,
            provider=provider,
            state=state,
            flow=flow,
            pledge=pledge,
            subject=subject and SubjectId(subject),
        )

    async def prove_login(self, login: ProviderLogin, subject: SubjectId) -> None:
        """See the port."""
        async with writing(self._source, login.tenant) as connection:
            await connection.execute(_PROVE, [subject, login.tenant, _hash(login.state)])

    async def end_login(self, login: ProviderLogin) -> bool:
        """See the port."""
        async with writing(self._source, login.tenant) as connection:
            ended = await connection.execute(_END, [self._clock.now(), login.tenant, _hash(login.state)])
            return await ended.fetchone() is not None


def _random() -> str:
    return base64.urlsafe_b64encode(new_key()).rstrip(b"=").decode()


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _place(tenant: str, state: str) -> tuple[str | int, ...]:
    return tenant, "provider_logins", _hash(state).hex(), _VERSION
