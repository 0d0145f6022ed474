"""The one place where the parts of an API process are wired by hand, and its server is run.

Only the application's URL is used here: no request can reach the owner's or the projector's connection.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Protocol

import structlog
import uvicorn

from application.assets import Assets
from application.committer import Committer
from application.standing import Standing
from application.store import Connection, Store, speak_hex_ids
from application.wakeup import Wakeup
from interfaces.api.app import build_app
from interfaces.api.limits import Limits
from interfaces.api.parts import Parts
from interfaces.api.passwords import Passwords
from interfaces.api.tokens import Tokens
from interfaces.clock import SystemClock
from interfaces.identity.providers import identity_providers
from interfaces.payments.providers import open_providers
from interfaces.postgres.connections import connect, pool
from interfaces.postgres.vault import open_vault
from interfaces.postgres.vault_api_keys import PostgresApiKeys
from interfaces.postgres.vault_crypto import load_master_key
from interfaces.postgres.vault_destinations import PostgresDestinations
from interfaces.postgres.vault_factors import PostgresSecondFactors
from interfaces.postgres.vault_identities import PostgresIdentities
from interfaces.postgres.vault_inbox import PostgresInbox
from interfaces.postgres.vault_people import PostgresOutbox, PostgresProofs
from interfaces.postgres.vault_sessions import PostgresSessions, Terms
from interfaces.settings import Settings
from interfaces.whole_answers import WholeAnswers
from projections.watch import Watch

log = structlog.get_logger()

DRAIN_S = 8
_URLS = ("database_url", "owner_url", "projector_url", "finance_url")


@asynccontextmanager
async def open_parts(settings: Settings, app_url: str) -> AsyncIterator[Parts]:
    """Open everything an API process needs, and close it in the opposite order."""
    clock = SystemClock()

    async def connecting() -> Connection:
        return await connect(app_url, name="lastro-api")

    async with AsyncExitStack() as stack:
        reads = pool(app_url, name="lastro-api-log", size=settings.query_connections, configure=speak_hex_ids)
        queries = pool(app_url, name="lastro-api-queries", size=settings.query_connections)
        vaults = pool(app_url, name="lastro-api-vault", size=settings.vault_connections)
        for source in (reads, queries, vaults):
            await stack.enter_async_context(source)
        store = Store(reads)
        committer = _committer(settings, connecting, store)
        wakeup, appends = Wakeup(connecting, "lastro_projections"), Wakeup(connecting, "lastro_log")
        watch = Watch(queries, wakeup)
        life = timedelta(seconds=settings.access_token_s)
        standing = Standing(store, appends, clock, life=life)
        await _start(stack, (committer, wakeup, watch, appends, standing))
        keys = load_master_key(settings.master_key, create=settings.is_embedded)
        sessions = PostgresSessions(vaults, keys, clock, terms=Terms.of(settings))
        passwords = Passwords(threads=settings.password_hash_threads, queue_max=settings.password_hash_queue_max)
        stack.callback(passwords.close)
        yield Parts(
            settings=settings.model_copy(update=dict.fromkeys(_URLS)),
            clock=clock,
            store=store,
            committer=committer,
            assets=Assets(store),
            vault=await open_vault(vaults, keys, clock),
            destinations=PostgresDestinations(vaults, keys, clock),
            api_keys=PostgresApiKeys(vaults, keys, clock),
            inbox=PostgresInbox(vaults, keys, clock),
            notifier=PostgresOutbox(vaults, keys, clock),
            proofs=PostgresProofs(vaults, clock),
            sessions=sessions,
            factors=PostgresSecondFactors(vaults, keys, clock),
            identities=PostgresIdentities(vaults, keys, clock),
            identity_providers=identity_providers(settings),
            tokens=Tokens(await sessions.token_key(), clock, life=life),
            nonces=keys,
            standing=standing,
            limits=Limits(settings),
            passwords=passwords,
            queries=queries,
            watch=watch,
            payments=await stack.enter_async_context(open_providers(settings, vaults, keys, clock=clock)),
        )


class _Running(Protocol):
    """A part that is started before it is used, and stopped after."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


async def _start(stack: AsyncExitStack, parts: Sequence[_Running]) -> None:
    """Start parts in their order; they are stopped in the opposite one."""
    for part in parts:
        await part.start()
        stack.push_async_callback(part.stop)


def _committer(settings: Settings, connecting: Callable[[], Awaitable[Connection]], store: Store) -> Committer:
    return Committer(
        connect=connecting,
        store=store,
        queue_limit=settings.queue_commands_max,
        cache_capacity=settings.cached_states_max,
    )


class CannotListen(Exception):
    """The address is taken, or not ours."""


async def serve_api(settings: Settings, app_url: str, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then finish what is under way. Raises `CannotListen`."""
    listening = listen(settings.api_host, settings.api_port)
    async with open_parts(settings, app_url) as parts:
        config = uvicorn.Config(
            build_app(parts),
            http=WholeAnswers,
            access_log=False,
            log_config=None,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=DRAIN_S,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        stopping = asyncio.create_task(stop.wait())
        log.info("api.listening", host=settings.api_host, port=listening.getsockname()[1])
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        stopping.cancel()
        await serving


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes a free one. Raises `CannotListen`."""
    try:
        return socket.create_server((host, port), backlog=1_024)
    except OSError as error:
        raise CannotListen(f"Cannot listen on {host}:{port}: {error.strerror}.") from error


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signal handler over."""
        yield
