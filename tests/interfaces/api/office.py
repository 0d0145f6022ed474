"""The back door of the command line into an installation: tenants, users and assets, as an operator makes them."""

import asyncio
import uuid
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar

from application.assets import register_asset
from application.commands import Body, Command, Envelope
from application.committer import Committer
from application.store import Connection, Store, speak_hex_ids
from application.tenants import create_tenant
from application.users import register_user
from domain.assets import SEEDED
from domain.ids import SubjectId, UserId
from domain.tenants import CreateTenant
from domain.users import RegisterUser, Role, Status
from interfaces.api.passwords import HASHER
from interfaces.api.tokens import Tokens
from interfaces.clock import SystemClock
from interfaces.postgres.configuration import Urls
from interfaces.postgres.connections import connect, pool
from interfaces.postgres.vault import PostgresVault, open_vault
from interfaces.postgres.vault_crypto import VaultKeys
from interfaces.postgres.vault_sessions import PostgresSessions

T = TypeVar("T")

MASTER_KEY = bytes(range(32))


class Office:
    """The back door of the command line: tenants, users and assets, as an operator makes them."""

    def __init__(self, urls: Urls) -> None:
        self._urls = urls
        self._loop = asyncio.Runner()
        self._open = AsyncExitStack()
        self._committer: Committer
        self._vault: PostgresVault
        self._tokens: Tokens
        self.signing_key = b""

    def __enter__(self) -> Self:
        self.run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._open.aclose())
        self._loop.close()

    def run(self, step: Coroutine[Any, Any, T]) -> T:
        """Run a step to its end."""
        return self._loop.run(step)

    async def _start(self) -> None:
        async def to_append() -> Connection:
            return await connect(self._urls.app, name="office")

        reads = pool(self._urls.app, name="office-reads", size=2, configure=speak_hex_ids)
        store = Store(await self._open.enter_async_context(reads))
        vault = await self._open.enter_async_context(pool(self._urls.app, name="office-vault", size=2))
        keys, clock = VaultKeys.derive(MASTER_KEY), SystemClock()
        self._vault = await open_vault(vault, keys, clock)
        key = await PostgresSessions(vault, keys, clock).token_key()
        self.signing_key = key.secret
        self._tokens = Tokens(key, clock, life=timedelta(minutes=10))
        self._committer = Committer(connect=to_append, store=store)
        await self._committer.start()
        self._open.push_async_callback(self._committer.stop)
        for asset in SEEDED:
            await self.do(register_asset(envelope("system"), asset))

    async def do(self, command: Command) -> Body:
        return (await self._committer.submit(command)).accepted()

    def create_tenant(self, name: str, *, open_registration: bool = False, auto_approve: bool = False) -> None:
        wanted = CreateTenant(name=name, open_registration=open_registration, auto_approve=auto_approve)
        self.run(self.do(create_tenant(envelope("system"), wanted)))

    def create_user(
        self,
        tenant: str,
        user: str,
        roles: Sequence[Role],
        *,
        email: str,
        password: str | None,
        status: Status = Status.ACTIVE,
    ) -> None:
        """Make a user as `lastro user create` does; without a password there is no login, only a token."""
        registered = RegisterUser(user=UserId(user), subject=SubjectId(user), roles=tuple(roles), status=status)
        self.run(self._register(tenant, registered, email=email, password=password))

    async def _register(self, tenant: str, user: RegisterUser, *, email: str, password: str | None) -> None:
        hashed = None if password is None else HASHER.hash(password)
        fields, stream = {"email": email, "name": "Somebody"}, f"{tenant}:user-{user.user}"
        await self._vault.create_subject(tenant, user.subject, stream=stream, fields=fields, password_hash=hashed)
        await self.do(register_user(envelope(tenant), user, email_hmac=self._vault.email_lookup(tenant, email)))

    def token(self, tenant: str, user: str, roles: Sequence[Role], *, stepped_up_for: timedelta | None = None) -> str:
        return self._tokens.sign(tenant=tenant, user=user, roles=frozenset(roles), stepped_up_for=stepped_up_for)

    def sql(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Look into the database as its owner: what is written, and what is not."""

        async def ask() -> list[tuple[Any, ...]]:
            async with await connect(self._urls.owner, name="test") as connection:
                return await (await connection.execute(query, parameters)).fetchall()

        return self.run(ask())


def envelope(tenant: str) -> Envelope:
    """Return the envelope of what an operator does at the command line."""
    command_id = uuid.uuid4().hex
    return Envelope(
        tenant=tenant,
        actor="cli:test",
        command_id=command_id,
        key=command_id,
        input_hash=command_id * 2,
        correlation_id=command_id,
        now=datetime.now(UTC),
    )
