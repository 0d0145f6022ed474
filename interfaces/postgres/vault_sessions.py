"""Logins in PostgreSQL: refresh tokens, the lock after failed attempts, the key that signs access tokens.

A session is one row however long it lives. A token is `<tenant>.<family>.<secret>`; the secret that follows is derived
from the one it replaces, so that any process can give a lost answer again and no table holds a token.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Literal, Self
from uuid import uuid4

from psycopg.rows import class_row

from application.ports import Clock, LoginLocked, OpenSession, Session, SessionRefused, SigningKey, UnknownSubject
from domain.ids import SubjectId
from interfaces.postgres.connections import Connection, Pool, reading, writing
from interfaces.postgres.vault_crypto import VaultKeys, new_key, seal, unseal
from interfaces.settings import Settings

Verdict = Literal["current", "previous", "unknown", "expired", "closed", "reused"]

_INSTALLATION = "system"
_ACCESS_TOKENS = "access tokens"
_TOKEN = re.compile(r"([a-z][a-z0-9]{1,31})\.([0-9a-f]{32})\.([A-Za-z0-9_-]{43})")

_OPEN = """
insert into vault.sessions (tenant, family, subject, current_hash, rotated_at, expires_at)
select s.tenant, %(family)s, s.subject, %(hash)s, %(now)s, %(expires_at)s
from vault.subjects as s where s.tenant = %(tenant)s and s.subject = %(subject)s and s.sealed_key is not null
returning subject
"""
_LOCK = """
select v.subject, v.current_hash, v.previous_hash, v.rotated_at, v.expires_at, v.ended_because
from vault.sessions as v inner join vault.subjects as s on s.tenant = v.tenant and s.subject = v.subject
where v.tenant = %s and v.family = %s and s.sealed_key is not null
for update of v
"""
_ROTATE = """
update vault.sessions set previous_hash = current_hash, current_hash = %s, rotated_at = %s
where tenant = %s and family = %s
"""
_END = "update vault.sessions set ended_at = %s, ended_because = %s where tenant = %s and family = %s"
_END_ALL = """
update vault.sessions set ended_at = %s, ended_because = 'closed'
where tenant = %s and subject = %s and ended_at is null
"""
_OPEN_ONES = """
select family, rotated_at, expires_at from vault.sessions
where tenant = %s and subject = %s and ended_at is null and expires_at > %s order by rotated_at desc, family
"""
_SWEEP_SESSIONS = "delete from vault.sessions where tenant = %s and expires_at <= %s"
_TAKE_ATTEMPTS = """
insert into vault.login_attempts (tenant, pair, attempted_at, touched_at) values (%s, %s, '{}', %s)
on conflict (tenant, pair) do update set touched_at = excluded.touched_at
returning attempted_at, locked_until
"""
_SET_ATTEMPTS = "update vault.login_attempts set attempted_at = %s, locked_until = %s where tenant = %s and pair = %s"
_FORGIVE = "delete from vault.login_attempts where tenant = %s and pair = %s"
_SWEEP_ATTEMPTS = "delete from vault.login_attempts where tenant = %s and touched_at <= %s"
_MAKE_KEY = """
insert into vault.signing_keys (id, purpose, sealed, created_at) values (%s, %s, %s, %s) on conflict do nothing
"""
_GET_KEY = "select id, sealed from vault.signing_keys where purpose = %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long logins last and how many failures they forgive."""

    session: timedelta = timedelta(days=30)
    grace: timedelta = timedelta(seconds=20)
    failures: int = 5
    window: timedelta = timedelta(minutes=15)
    lock: timedelta = timedelta(minutes=15)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Take them from the settings."""
        return cls(
            session=timedelta(seconds=settings.refresh_token_s),
            grace=timedelta(seconds=settings.refresh_grace_s),
            failures=settings.login_failures_max,
            window=timedelta(seconds=settings.login_window_s),
            lock=timedelta(seconds=settings.login_lock_s),
        )


class PostgresSessions:
    """The port `Sessions` (application/ports.py)."""

    def __init__(self, source: Pool, keys: VaultKeys, clock: Clock, *, terms: Terms | None = None) -> None:
        self._source = source
        self._keys = keys
        self._clock = clock
        self._terms = terms or Terms()

    async def admit_login(self, tenant: str, email: str, address: str) -> None:
        """See the port."""
        now, pair = self._clock.now(), self._keys.login_pair(tenant, email, address)
        async with writing(self._source, tenant) as connection:
            row = await (await connection.execute(_TAKE_ATTEMPTS, [tenant, pair, now])).fetchone()
            assert row is not None
            attempted_at, locked_until = row
            if locked_until is not None and now < locked_until:
                raise LoginLocked(until=locked_until)
            recent = [moment for moment in attempted_at if now - moment < self._terms.window]
            recent.append(now)
            lock = now + self._terms.lock if len(recent) >= self._terms.failures else None
            await connection.execute(_SET_ATTEMPTS, [[] if lock else recent, lock, tenant, pair])

    async def forgive_logins(self, tenant: str, email: str, address: str) -> None:
        """See the port."""
        async with writing(self._source, tenant) as connection:
            await connection.execute(_FORGIVE, [tenant, self._keys.login_pair(tenant, email, address)])

    async def open_session(self, tenant: str, subject: SubjectId) -> Session:
        """See the port."""
        now, family = self._clock.now(), uuid4().hex
        secret = base64.urlsafe_b64encode(new_key()).rstrip(b"=").decode()
        token = f"{tenant}.{family}.{secret}"
        row = {"tenant": tenant, "family": family, "subject": subject, "hash": _hash(token), "now": now}
        expires_at = now + self._terms.session
        async with writing(self._source, tenant) as connection:
            cursor = await connection.execute(_OPEN, {**row, "expires_at": expires_at})
            if await cursor.fetchone() is None:
                raise UnknownSubject(subject=subject)
        return Session(tenant=tenant, subject=subject, family=family, token=token, expires_at=expires_at)

    async def rotate_session(self, token: str) -> Session:
        """See the port."""
        tenant, family = _parse(token)
        now = self._clock.now()
        following = f"{tenant}.{family}.{self._keys.next_secret(token)}"
        async with writing(self._source, tenant) as connection:
            verdict, subject, expires_at = await self._judge(connection, token, now)
            if verdict == "current":
                await connection.execute(_ROTATE, [_hash(following), now, tenant, family])
        if verdict not in {"current", "previous"}:
            raise SessionRefused(reason=verdict)
        return Session(tenant=tenant, subject=subject, family=family, token=following, expires_at=expires_at)

    async def close_session(self, token: str) -> None:
        """See the port."""
        if not _TOKEN.fullmatch(token):
            return
        tenant, family = _parse(token)
        now = self._clock.now()
        async with writing(self._source, tenant) as connection:
            verdict, _, _ = await self._judge(connection, token, now)
            if verdict in {"current", "previous"}:
                await connection.execute(_END, [now, "closed", tenant, family])

    async def list_sessions(self, tenant: str, subject: SubjectId) -> list[OpenSession]:
        """See the port."""
        async with reading(self._source, tenant) as connection:
            rows = await (await connection.execute(_OPEN_ONES, [tenant, subject, self._clock.now()])).fetchall()
        return [
            OpenSession(family=family, renewed_at=renewed_at, expires_at=expires_at)
            for family, renewed_at, expires_at in rows
        ]

    async def close_sessions(self, tenant: str, subject: SubjectId) -> None:
        """See the port."""
        async with writing(self._source, tenant) as connection:
            await connection.execute(_END_ALL, [self._clock.now(), tenant, subject])

    async def token_key(self) -> SigningKey:
        """See the port."""
        key = uuid4().hex
        sealed = seal(self._keys.wrapping, new_key(), _INSTALLATION, "signing_keys", key, 1)
        async with writing(self._source, _INSTALLATION) as connection:
            row = await (await connection.execute(_GET_KEY, [_ACCESS_TOKENS])).fetchone()
            if row is None:
                await connection.execute(_MAKE_KEY, [key, _ACCESS_TOKENS, sealed, self._clock.now()])
                row = await (await connection.execute(_GET_KEY, [_ACCESS_TOKENS])).fetchone()
        assert row is not None
        return SigningKey(
            id=row[0], secret=unseal(self._keys.wrapping, row[1], _INSTALLATION, "signing_keys", row[0], 1)
        )

    async def sweep_sessions(self, tenant: str) -> int:
        """See the port."""
        now = self._clock.now()
        forgotten = now - self._terms.window - self._terms.lock
        async with writing(self._source, tenant) as connection:
            sessions = await connection.execute(_SWEEP_SESSIONS, [tenant, now])
            attempts = await connection.execute(_SWEEP_ATTEMPTS, [tenant, forgotten])
        return sessions.rowcount + attempts.rowcount

    async def _judge(self, connection: Connection, token: str, now: datetime) -> tuple[Verdict, SubjectId, datetime]:
        """Lock a token's session and say what the token is worth; one that was used before ends the session."""
        tenant, family = _parse(token)
        async with connection.cursor(row_factory=class_row(_Found)) as cursor:
            found = await (await cursor.execute(_LOCK, [tenant, family])).fetchone()
        if found is None:
            return "unknown", SubjectId(""), now
        verdict = found.verdict(_hash(token), now, self._terms.grace)
        if verdict == "reused" and found.ended_because is None:
            await connection.execute(_END, [now, verdict, tenant, family])
        return verdict, SubjectId(found.subject), found.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What is known of a session."""

    subject: str
    current_hash: bytes
    previous_hash: bytes | None
    rotated_at: datetime
    expires_at: datetime
    ended_because: Literal["closed", "reused"] | None

    def verdict(self, presented: bytes, now: datetime, grace: timedelta) -> Verdict:
        """Say what a token with this hash is worth."""
        if self.ended_because is not None:
            return self.ended_because
        if self.expires_at <= now:
            return "expired"
        if compare_digest(presented, self.current_hash):
            return "current"
        is_previous = self.previous_hash is not None and compare_digest(presented, self.previous_hash)
        return "previous" if is_previous and now - self.rotated_at <= grace else "reused"


def _parse(token: str) -> tuple[str, str]:
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise SessionRefused(reason="unknown")
    return match[1], match[2]


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
