"""The world of the application's tests: a committer on a real database, envelopes, and commands over real deciders."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from application import ids, streams
from application.commands import Body, Command, Envelope
from application.committer import Committer
from application.store import Connection, Store, hold, speak_hex_ids
from application.work import Work
from domain.ids import EntryId, UserId
from domain.ledger.book import PostEntry
from interfaces.postgres import connections
from interfaces.postgres.configuration import Urls
from tests.domain.ledger.entries import USER, entry

TENANT = "acme"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ROBOT = "cli:test"
BOOK = streams.book(TENANT, USER)


def an_id(name: str) -> str:
    """Return the id that stands for a name in every test."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


async def connect(url: str) -> Connection:
    opened = await connections.connect(url, name="test")
    speak_hex_ids(opened)
    return opened


@asynccontextmanager
async def reading(database: Urls) -> AsyncIterator[Store]:
    async with connections.pool(database.app, name="test-reads", size=2, configure=speak_hex_ids) as pool:
        yield Store(pool)


@asynccontextmanager
async def committing(
    database: Urls,
    *,
    queue_limit: int = 10_000,
    cache_capacity: int = 20_000,
    url: str | None = None,
    store: Store | None = None,
) -> AsyncIterator[Committer]:
    """Run a committer; `url` is where it appends, when that is not where it reads, and `store` what it reads by."""
    async with reading(database) as own:
        committer = Committer(
            connect=lambda: connect(url or database.app),
            store=store or own,
            queue_limit=queue_limit,
            cache_capacity=cache_capacity,
        )
        await committer.start()
        try:
            yield committer
        finally:
            await committer.stop()


def envelope(key: str, *, actor: str = ROBOT, tenant: str = TENANT, body: str = "", now: datetime = NOW) -> Envelope:
    """Return the envelope of a request with an idempotency key; requests with another `body` have another hash."""
    command_id = ids.command_id(tenant, actor, key)
    return Envelope(
        tenant=tenant,
        actor=actor,
        command_id=command_id,
        key=key,
        input_hash=hashlib.sha256(f"{key}\n{body}".encode()).hexdigest(),
        correlation_id=command_id,
        now=now,
    )


def command(
    key: str, *reads: str, decide: Callable[[Work], Body], body: str = "", tenant: str = TENANT, weight: int = 1
) -> Command:
    """Return a test-only command."""
    asked = envelope(key, body=body, tenant=tenant)
    return Command(name="test", envelope=asked, reads=reads, decide=decide, weight=weight)


def flow(text: str, *, id: str, kind: str, now: datetime = NOW, asset: str = "USD") -> PostEntry:
    """Return the posting of a flow's entry, written short as in tests/domain/ledger/entries.py."""
    return PostEntry(entry=entry(text, kind=kind, id=EntryId(id), effective_at=now, asset=asset), now=now)


def deposit(key: str, amount: str, *, user: UserId = USER, body: str = "") -> Command:
    """Return the command that gives a user money."""
    text = f"psp:stripe +{amount} | liabilities:users:{user}:real:available -{amount}"
    return booking(key, text, kind="deposit", user=user, body=body)


def spend(key: str, amount: str, *, user: UserId = USER, body: str = "") -> Command:
    """Return the command that takes money from a user, who must have it."""
    text = f"liabilities:users:{user}:real:available +{amount} | psp:stripe -{amount}"
    return booking(key, text, kind="refund_settled", user=user, body=body)


def booking(key: str, text: str, *, kind: str, user: UserId = USER, body: str = "", asset: str = "USD") -> Command:
    """Return the command that posts a flow's entry on a user's book; it answers what the book holds then."""
    book = streams.book(TENANT, user)
    posting = flow(text, id=an_id(f"{key} {text}"), kind=kind, asset=asset)

    def decide(work: Work) -> Body:
        work.run(book, posting)
        return {"id": posting.entry.id, "left": str(-sum(work.state(book).balances.values()))}

    return command(key, book, decide=decide, body=body)


async def until(condition: Callable[[], Awaitable[bool] | bool], *, within_s: float = 20) -> None:
    """Return when a condition holds."""
    async with asyncio.timeout(within_s):
        while not (held if isinstance(held := condition(), bool) else await held):  # noqa: ASYNC110 - a database sets no Event
            await asyncio.sleep(0.002)


@asynccontextmanager
async def lock_held(database: Urls) -> AsyncIterator[Connection]:
    """Hold the lock of appends, so that what is sent meanwhile waits; give the connection that holds it."""
    async with await connect(database.app) as holder, holder.transaction():
        await hold(holder)
        yield holder


async def wait_for_the_lock(database: Urls, waiters: int = 1) -> None:
    """Return when at least that many sessions wait for the lock of appends; a committer may have two."""
    async with await connect(database.app) as watching:

        async def reached() -> bool:
            cursor = await watching.execute(
                "select count(*) from pg_locks where relation = 'log.append_lock'::regclass and not granted"
                " and database = (select oid from pg_database where datname = current_database())"
            )
            row = await cursor.fetchone()
            return row is not None and row[0] >= waiters

        await until(reached)
