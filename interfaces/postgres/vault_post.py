"""The post in PostgreSQL: which messages wait to be sent, who takes one, and how it ended.

Whoever takes a message has it for a while; a postman that is killed leaves it to the next one. So a message is sent at
least once, under an id that stays the same.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic_core import from_json

from application.ports import Clock
from application.streams import SYSTEM
from interfaces.postgres.connections import Pool, reading, writing
from interfaces.postgres.vault_crypto import VaultKeys, unseal

_VERSION = 1
_LONGEST_PAUSE = timedelta(hours=1)

_DUE = """
select tenant, id from vault.outbox
where sent_at is null and refused_at is null and coalesce(due_at, created_at) <= %s and created_at > %s
order by coalesce(due_at, created_at) limit %s
"""
_TAKE = """
update vault.outbox as o
set attempts = o.attempts + 1, due_at = %(now)s + least(%(first)s * (2 ^ least(o.attempts, 12)), %(longest)s)
from vault.subjects as s
where o.tenant = %(tenant)s and o.id = %(id)s and o.sent_at is null and o.refused_at is null
    and coalesce(o.due_at, o.created_at) <= %(now)s
    and s.tenant = o.tenant and s.subject = o.subject and s.sealed_key is not null
returning o.subject, o.kind, o.created_at, s.sealed_key, o.sealed
"""
_EMAIL = "select version, sealed from vault.records where tenant = %s and subject = %s and name = 'email'"
_SENT = "update vault.outbox set sent_at = %s where tenant = %s and id = %s and sent_at is null and refused_at is null"
_REFUSED = """
update vault.outbox set refused_at = %s, refusal = %s
where tenant = %s and id = %s and sent_at is null and refused_at is null
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message with the address it goes to, as the postman has it for a while."""

    tenant: str
    id: str
    kind: str
    created_at: datetime
    email: str = field(repr=False)
    token: str | None = field(repr=False)


class PostgresPost:
    """What the postman asks the outbox.

    A message that was taken is due again after `retry`, which doubles with each attempt; one older than `patience` is
    not tried any more, and stays where an operator reads it.
    """

    def __init__(self, source: Pool, keys: VaultKeys, clock: Clock, *, retry: timedelta, patience: timedelta) -> None:
        self._source = source
        self._keys = keys
        self._clock = clock
        self._retry = retry
        self._patience = patience

    async def list_due(self, *, limit: int) -> list[tuple[str, str]]:
        """Return tenant and id of messages whose time has come, of all tenants, the longest due first."""
        now = self._clock.now()
        async with reading(self._source, SYSTEM) as connection:
            rows = await (await connection.execute(_DUE, [now, now - self._patience, limit])).fetchall()
        return [(tenant, id) for tenant, id in rows]

    async def take(self, tenant: str, id: str) -> Letter | None:
        """Take a message for a while; None where somebody else has it, or had it."""
        now = self._clock.now()
        wanted = {
            "tenant": tenant,
            "id": id,
            "now": now,
            "first": self._retry,
            "longest": max(self._retry, _LONGEST_PAUSE),
        }
        async with writing(self._source, tenant) as connection:
            row = await (await connection.execute(_TAKE, wanted)).fetchone()
            if row is None:
                return None
            subject, kind, created_at, sealed_key, sealed = row
            address = await (await connection.execute(_EMAIL, [tenant, subject])).fetchone()
        if address is None:
            return None
        key = unseal(self._keys.wrapping, sealed_key, tenant, subject, "key", _VERSION)
        version, sealed_email = address
        return Letter(
            tenant=tenant,
            id=id,
            kind=kind,
            created_at=created_at,
            email=unseal(key, sealed_email, tenant, subject, "records.email", version).decode(),
            token=from_json(unseal(key, sealed, tenant, "outbox", id, _VERSION))["token"],
        )

    async def mark_sent(self, letter: Letter) -> None:
        """Say that a mail server has taken a message over."""
        async with writing(self._source, letter.tenant) as connection:
            await connection.execute(_SENT, [self._clock.now(), letter.tenant, letter.id])

    async def mark_refused(self, letter: Letter, code: int) -> None:
        """Say that a mail server has refused a message for ever; it stays where an operator reads it."""
        async with writing(self._source, letter.tenant) as connection:
            await connection.execute(_REFUSED, [self._clock.now(), str(code), letter.tenant, letter.id])
