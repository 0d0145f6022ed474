"""What benchmarks run on: a fresh embedded server with users in it, and the commands that are measured.

Everything goes through the use cases that the API calls; nothing is inserted behind their back.
"""

import asyncio
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from application import streams
from application.commands import Command, Envelope
from application.committer import Committer
from application.ids import command_id as command_id_of
from application.ids import derive, namespace
from application.ledger import post_entries, post_entry
from application.snapshots import Snapshots
from application.store import Connection, Store, speak_hex_ids
from application.users import register_user
from application.work import Work
from domain.ids import AccountPath, EntryId, SubjectId, UserId
from domain.ledger.entry import JournalEntry, Posting
from domain.money import Amount, Asset
from domain.tenants import CreateTenant
from domain.users import RegisterUser, Role, Status
from interfaces.postgres import connections, migrations
from interfaces.postgres.configuration import Urls
from interfaces.postgres.server import EmbeddedServer

TENANT = "main"
ACTOR = "cli:bench"
USD = Asset("USD", 2)
_BENCH = namespace("bench")


@contextmanager
def fresh_server() -> Iterator[Urls]:
    """Start an embedded server in a folder of its own, migrated and empty; delete it afterwards."""
    home = Path(tempfile.mkdtemp(prefix="lastro-bench-"))
    home.chmod(0o711)
    server = EmbeddedServer(home)
    try:
        urls = server.start()
        migrations.migrate(urls.owner)
        yield urls
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


@asynccontextmanager
async def committing(urls: Urls) -> AsyncIterator[Committer]:
    """Give a running committer of this process, with the follower that writes snapshots, as a worker has."""

    async def connect() -> Connection:
        return await connections.connect(urls.app, name="bench-committer")

    pool = connections.pool(urls.app, name="bench-reads", size=4, configure=speak_hex_ids)
    async with pool:
        store = Store(pool)
        committer = Committer(connect=connect, store=store)
        await committer.start()
        following = asyncio.create_task(Snapshots(store=store, pool=pool).run(await store.head()))
        try:
            yield committer
        finally:
            following.cancel()
            await committer.stop()


def envelope(key: str, actor: str = ACTOR) -> Envelope:
    """Return the envelope of a command with an idempotency key."""
    command_id = command_id_of(TENANT, actor, key)
    return Envelope(
        tenant=TENANT,
        actor=actor,
        command_id=command_id,
        key=key,
        input_hash=command_id * 2,
        correlation_id=command_id,
        now=datetime.now(UTC),
    )


async def add_users(committer: Committer, count: int) -> list[UserId]:
    """Create the tenant where it is missing, and active users in it; return their ids."""

    def create(work: Work) -> dict[str, object]:
        if work.version(streams.tenant(TENANT)) == 0:
            work.run(streams.tenant(TENANT), CreateTenant(name=TENANT))
        return {}

    await committer.submit(
        Command(name="create_tenant", envelope=_system_envelope(), reads=(streams.tenant(TENANT),), decide=create)
    )
    users = [UserId(uuid.uuid4().hex) for _ in range(count)]
    for user in users:
        registered = RegisterUser(user=user, subject=SubjectId(user), roles=(Role.TRADER,), status=Status.ACTIVE)
        await committer.submit(register_user(envelope(user), registered, email_hmac=user))
    return users


def _system_envelope() -> Envelope:
    command_id = uuid.uuid4().hex
    return Envelope(
        tenant=streams.SYSTEM,
        actor=ACTOR,
        command_id=command_id,
        key=command_id,
        input_hash=command_id * 2,
        correlation_id=command_id,
        now=datetime.now(UTC),
    )


def entry_for(user: UserId, key: str, now: datetime) -> JournalEntry:
    """Return a two-line entry that gives a user 1.00 USD."""
    entry = EntryId(derive(_BENCH, "entry", key))
    return JournalEntry(
        id=entry,
        kind="bench",
        reference=entry,
        occurred_at=now,
        effective_at=now,
        postings=(
            Posting(AccountPath("assets:psp:bench"), Amount(100, USD)),
            Posting(AccountPath(f"liabilities:users:{user}:real:available"), Amount(-100, USD)),
        ),
    )


def posting(user: UserId, key: str) -> Command:
    """Return the command that posts one entry on a user's book, as POST /ledger/entries does."""
    asked = envelope(key)
    return post_entry(asked, entry_for(user, key, asked.now))


def posting_many(users: list[UserId], key: str) -> Command:
    """Return the command that posts one entry on each of these users' books, all or none."""
    asked = envelope(key)
    return post_entries(asked, [entry_for(user, f"{key}-{index}", asked.now) for index, user in enumerate(users)])
