"""Messages and proofs in PostgreSQL: the ports `Notifier` (its embedded default, an outbox) and `Proofs`."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from pydantic_core import from_json, to_json

from application.ports import Clock, Message, UnknownSubject
from domain.ids import SubjectId
from interfaces.postgres.connections import Pool, reading, writing
from interfaces.postgres.vault_crypto import VaultKeys, new_key, seal, unseal

_VERSION = 1

_KEY = "select sealed_key from vault.subjects where tenant = %s and subject = %s and sealed_key is not null"
_PUT = """
insert into vault.outbox (tenant, id, subject, kind, sealed, created_at) values (%s, %s, %s, %s, %s, %s)
"""
_LIST = """
select o.id, o.subject, o.kind, s.sealed_key, o.sealed, o.created_at, o.sent_at, o.refusal
from vault.outbox as o inner join vault.subjects as s on s.tenant = o.tenant and s.subject = o.subject
where o.tenant = %s and s.sealed_key is not null order by o.created_at desc, o.id limit %s
"""
_RETIRE = "update vault.proofs set used_at = %s where tenant = %s and subject = %s and purpose = %s and used_at is null"
_MAKE = "insert into vault.proofs (tenant, hash, subject, purpose, expires_at) values (%s, %s, %s, %s, %s)"
_TAKE = """
update vault.proofs set used_at = %(now)s
where tenant = %(tenant)s and hash = %(hash)s and purpose = %(purpose)s and used_at is null and expires_at > %(now)s
returning subject
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A message in the outbox."""

    id: str
    subject: str
    message: Message
    created_at: datetime
    sent_at: datetime | None = None
    refusal: str | None = None
    """What the mail server said when it refused the message for ever."""


class PostgresOutbox:
    """Keeps messages where an operator reads them (`lastro outbox`)."""

    def __init__(self, source: Pool, keys: VaultKeys, clock: Clock) -> None:
        self._source = source
        self._keys = keys
        self._clock = clock

    async def notify(self, tenant: str, subject: SubjectId, message: Message) -> None:
        """See the port."""
        id = uuid4().hex
        async with writing(self._source, tenant) as connection:
            row = await (await connection.execute(_KEY, [tenant, subject])).fetchone()
            if row is None:
                raise UnknownSubject(subject=subject)
            sealed = seal(self._open(row[0], tenant, subject), to_json({"token": message.token}), *_place(tenant, id))
            await connection.execute(_PUT, [tenant, id, subject, message.kind, sealed, self._clock.now()])

    async def list_messages(self, tenant: str, *, limit: int) -> list[Posted]:
        """Return the newest messages."""
        async with reading(self._source, tenant) as connection:
            rows = await (await connection.execute(_LIST, [tenant, limit])).fetchall()
        return [
            Posted(
                id=id,
                subject=subject,
                message=Message(
                    kind=kind,
                    token=from_json(unseal(self._open(key, tenant, subject), sealed, *_place(tenant, id)))["token"],
                ),
                created_at=created_at,
                sent_at=sent_at,
                refusal=refusal,
            )
            for id, subject, kind, key, sealed, created_at, sent_at, refusal in rows
        ]

    def _open(self, sealed_key: bytes, tenant: str, subject: str) -> bytes:
        return unseal(self._keys.wrapping, sealed_key, tenant, subject, "key", _VERSION)


class PostgresProofs:
    """The port `Proofs`: only hashes are kept."""

    def __init__(self, source: Pool, clock: Clock) -> None:
        self._source = source
        self._clock = clock

    async def make_proof(self, tenant: str, subject: SubjectId, purpose: str, *, expires_at: datetime) -> str:
        """See the port."""
        token = base64.urlsafe_b64encode(new_key()).rstrip(b"=").decode()
        async with writing(self._source, tenant) as connection:
            await connection.execute(_RETIRE, [self._clock.now(), tenant, subject, purpose])
            await connection.execute(_MAKE, [tenant, _hash(token), subject, purpose, expires_at])
        return token

    async def take_proof(self, tenant: str, token: str, purpose: str) -> SubjectId | None:
        """See the port."""
        wanted = {"now": self._clock.now(), "tenant": tenant, "hash": _hash(token), "purpose": purpose}
        async with writing(self._source, tenant) as connection:
            row = await (await connection.execute(_TAKE, wanted)).fetchone()
        return None if row is None else SubjectId(row[0])


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _place(tenant: str, id: str) -> tuple[str | int, ...]:
    return tenant, "outbox", id, _VERSION
