"""An installation as the command line meets it: its database, embedded or not, and what it begins with.

Every command finds it the same way and leaves it as it was: a server that runs is used, one that does not is started
and stopped again by whoever uses it last.
"""

import getpass
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from application import streams
from application.assets import register_asset
from application.commands import Envelope
from application.committer import Committer
from application.ids import command_id
from application.store import Connection, Store, speak_hex_ids
from application.streams import SYSTEM
from application.tenants import create_tenant
from domain.assets import SEEDED
from domain.tenants import CreateTenant
from interfaces.clock import SystemClock
from interfaces.postgres import migrations
from interfaces.postgres.configuration import Urls
from interfaces.postgres.connections import connect, pool
from interfaces.postgres.server import EmbeddedServer
from interfaces.settings import Settings

MAIN = "main"


@contextmanager
def database_of(settings: Settings, *, supervised: bool = False) -> Iterator[Urls]:
    """Give the ways into the installation's database; an embedded server runs as long as somebody uses it.

    Processes under a supervisor leave its end to that one: where it was killed the next `up` adopts the server.
    """
    if settings.database_url is None:
        server = EmbeddedServer(settings.data)
        try:
            yield server.start()
        finally:
            if not supervised:
                server.release()
        return
    assert settings.owner_url is not None
    assert settings.projector_url is not None
    yield Urls(
        owner=settings.owner_url.get_secret_value(),
        app=settings.database_url.get_secret_value(),
        projector=settings.projector_url.get_secret_value(),
        finance=None if settings.finance_url is None else settings.finance_url.get_secret_value(),
    )


@contextmanager
def migrated_database_of(settings: Settings, *, supervised: bool = False) -> Iterator[Urls]:
    """Give the same for what needs the present schema. Raises `SchemaTooOld`."""
    with database_of(settings, supervised=supervised) as urls:
        # Nothing that serves needs the owner; only a fresh embedded server has no other role yet.
        migrations.check(urls.owner if settings.is_embedded else urls.app)
        yield urls


@asynccontextmanager
async def committing(settings: Settings, app_url: str) -> AsyncIterator[Committer]:
    """Give a committer for the commands of one call of the command line."""

    async def connecting() -> Connection:
        return await connect(app_url, name="lastro-cli")

    async with pool(app_url, name="lastro-cli", size=2, configure=speak_hex_ids) as reads:
        committer = Committer(connect=connecting, store=Store(reads), cache_capacity=settings.cached_states_max)
        await committer.start()
        try:
            yield committer
        finally:
            await committer.stop()


def actor() -> str:
    """Return who acts at the command line: the operating system's user."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"cli:{os.getuid()}"


def envelope(tenant: str, key: str | None = None) -> Envelope:
    """Return the envelope of an operator's command. Without a key each call is a command of its own."""
    by, said = actor(), key or uuid.uuid4().hex
    made = command_id(tenant, by, said)
    return Envelope(
        tenant=tenant,
        actor=by,
        command_id=made,
        key=said,
        input_hash=made * 2,
        correlation_id=made,
        now=SystemClock().now(),
    )


async def migrate(settings: Settings, urls: Urls) -> tuple[str, ...]:
    """Bring the schema up to date and make what every installation begins with: tenant `main` and the common assets.

    What is there already is left alone and leaves no trace in the log.
    """
    applied = migrations.migrate(urls.owner)
    demo = settings.env == "demo"
    async with committing(settings, urls.app) as committer:
        if (await committer.state(streams.tenant(MAIN))).version == 0:
            main = CreateTenant(name=MAIN, open_registration=demo, auto_approve=demo)
            (await committer.submit(create_tenant(envelope(SYSTEM), main))).accepted()
        for asset in SEEDED:
            if (await committer.state(streams.asset(asset.asset))).version == 0:
                (await committer.submit(register_asset(envelope(SYSTEM), asset))).accepted()
    return applied
