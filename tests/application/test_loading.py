"""States come from a snapshot and its tail, stay in a bounded cache, and are forgotten when the log is another."""

import asyncio

import psycopg
import pytest

from application import streams
from application.cache import StateCache
from application.commands import Command
from application.committer import Committer
from application.snapshots import Snapshots
from application.states import schema_hash_of
from application.store import Store, speak_hex_ids
from application.tasks import end
from application.work import Versioned
from domain.ids import UserId
from domain.ledger import book
from interfaces.postgres import connections
from interfaces.postgres.configuration import Urls
from tests.application.copies import Copies
from tests.application.outcomes import together, words
from tests.application.world import BOOK, TENANT, an_id, command, committing, deposit, reading, spend, until

pytestmark = pytest.mark.anyio


def touch(key: str, *names: str) -> Command:
    """Return a command that reads the books of several users and gives the first of them money."""
    users = [UserId(an_id(name)) for name in names]
    books = [streams.book(TENANT, user) for user in users]
    return command(key, *books, decide=deposit(key, "1.00", user=users[0]).decide)


async def test_what_was_used_least_recently_is_forgotten_first() -> None:
    cache, empty = StateCache(2), Versioned(0, book.INITIAL)
    for name in ("a", "b"):
        cache.put(name, empty)
    assert cache.get("a") is empty
    cache.put("c", empty)
    assert cache.missing("abc") == ["b"]
    assert len(cache) == 2


async def test_a_newer_state_is_never_replaced_by_an_older_one() -> None:
    cache = StateCache(2)
    cache.put("a", Versioned(2, book.INITIAL))
    cache.put("a", Versioned(1, book.INITIAL))
    found = cache.get("a")
    assert found is not None
    assert found.version == 2


async def test_what_was_forgotten_is_loaded_again(database: Urls, store: Store) -> None:
    async with committing(database, cache_capacity=2) as committer:
        for turn in range(3):
            for name in ("ana", "bob", "cem", "dan"):
                user = UserId(an_id(name))
                done = await committer.submit(deposit(f"{name}-{turn}", "1.00", user=user))
                assert done.body["left"] == str(100 * (turn + 1))
        users = [UserId(an_id(name)) for name in ("ana", "bob", "cem", "dan")]
        answers = await together(committer, *(spend(f"of {user}", "3.00", user=user) for user in users for _ in "ab"))
    assert words(answers) == ["done"] * 8
    assert await store.head() == 16


async def test_a_command_may_read_more_streams_than_are_remembered(database: Urls) -> None:
    """With capacity for two, commands of three streams each must neither wait for each other nor for ever."""
    names = [f"user {number}" for number in range(30)]
    async with committing(database, cache_capacity=2) as committer, asyncio.timeout(20):
        asked = [touch(f"t{n}", *names[n : n + 3]) for n in range(25)]
        assert words(await together(committer, *asked)) == ["done"] * 25
        assert words(
            await together(committer, *(spend(f"s{n}", "1.00", user=UserId(an_id(names[n]))) for n in range(26)))
        ) == ["done"] * 25 + ["insufficient_funds"]


async def fill_book(committer: Committer, count: int) -> None:
    await together(committer, *(deposit(f"fill {number}", "1.00") for number in range(count)))


async def snapshot(database: Urls, every: int) -> None:
    """Let a follower write snapshots until it has seen the whole log."""
    async with connections.pool(database.app, name="test-snapshots", size=2, configure=speak_hex_ids) as pool:
        following = asyncio.create_task(Snapshots(store=Store(pool), pool=pool, every=every).run(0))

        async def written() -> bool:
            async with pool.connection() as connection:
                return await (await connection.execute("select from log.snapshots")).fetchone() is not None

        await until(written)
        await end(following)


async def test_a_long_stream_is_loaded_from_its_snapshot_and_the_tail(
    database: Urls, committer: Committer, store: Store
) -> None:
    await fill_book(committer, 25)
    await snapshot(database, every=10)
    await committer.submit(deposit("tail", "5.00"))
    loaded = (await store.load({BOOK: (0, schema_hash_of(BOOK))}))[BOOK]
    assert loaded.snapshot is not None
    assert (loaded.version, [version for version, _, _ in loaded.events]) == (25, [26])
    replayed = (await store.load({BOOK: (0, "none")}))[BOOK]
    assert (replayed.version, replayed.snapshot, len(replayed.events)) == (0, None, 26)
    async with committing(database) as fresh:
        assert (await fresh.state(BOOK)).version == 26
        assert words(await together(fresh, spend("a", "30.00"), spend("b", "0.01"))) == ["done", "insufficient_funds"]


async def test_the_tail_behind_what_is_known_is_loaded_without_the_snapshot(
    database: Urls, committer: Committer, store: Store
) -> None:
    await fill_book(committer, 12)
    await snapshot(database, every=10)
    loaded = (await store.load({BOOK: (12, schema_hash_of(BOOK))}))[BOOK]
    assert (loaded.version, loaded.snapshot, loaded.events) == (12, None, [])


async def test_a_snapshot_that_ends_the_stream_is_all_that_is_loaded(
    database: Urls, committer: Committer, store: Store
) -> None:
    await fill_book(committer, 10)
    await snapshot(database, every=10)
    loaded = (await store.load({BOOK: (0, schema_hash_of(BOOK))}))[BOOK]
    assert (loaded.version, loaded.snapshot is not None, loaded.events) == (10, True, [])
    async with committing(database) as fresh:
        assert (await fresh.submit(spend("a", "10.00"))).body["left"] == "0"


WRONG = {
    "broken JSON": (10, "today", "{"),
    "another shape": (10, "today", '{"totals":[]}'),
    "a float for a balance": (10, "today", '{"balances":[[["a","USD"],1.5]],"day":null,"debits_of_day":[]}'),
    "a boolean for a balance": (10, "today", '{"balances":[[["a","USD"],true]],"day":null,"debits_of_day":[]}'),
    "another hash": (10, "0123456789abcdef", '{"balances":[],"day":null,"debits_of_day":[]}'),
    "a version that the log does not have": (99, "today", '{"balances":[],"day":null,"debits_of_day":[]}'),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
async def test_a_snapshot_that_cannot_be_trusted_is_ignored(
    *, wrong: tuple[int, str, str], database: Urls, committer: Committer
) -> None:
    await fill_book(committer, 12)
    version, schema_hash, state = wrong
    with psycopg.connect(database.app, autocommit=True) as connection:
        connection.execute(
            "insert into log.snapshots values (%s, %s, %s, %s)",
            [BOOK, version, schema_hash_of(BOOK) if schema_hash == "today" else schema_hash, state.encode()],
        )
    async with committing(database) as fresh:
        assert words(await together(fresh, spend("a", "12.00"), spend("b", "0.01"))) == ["done", "insufficient_funds"]


async def test_a_readable_snapshot_is_trusted(database: Urls, committer: Committer) -> None:
    """Which is why `audit verify` compares every snapshot with replay."""
    await fill_book(committer, 12)
    with psycopg.connect(database.app, autocommit=True) as connection:
        connection.execute(
            "insert into log.snapshots values (%s, 12, %s, %s)",
            [BOOK, schema_hash_of(BOOK), b'{"balances":[],"day":null,"debits_of_day":[]}'],
        )
    async with committing(database) as fresh:
        assert words(await together(fresh, spend("a", "0.01"))) == ["insufficient_funds"]


async def test_a_restored_log_is_decided_on_and_not_what_was_remembered(database: Urls, copies: Copies) -> None:
    async with committing(database) as before:
        await before.submit(deposit("a", "10.00"))
    backup = copies.copy(database)
    async with committing(database) as committer:
        assert (await committer.submit(spend("b", "10.00"))).body["left"] == "0"
        copies.restore(database, backup)
        assert (await committer.submit(spend("c", "7.00"))).body["left"] == "300"
        assert committer.statistics.epochs == 1
        assert (await committer.submit(spend("b", "10.00"))).refused
        assert not (await committer.submit(spend("d", "3.00"))).replayed


async def test_a_restored_log_that_has_grown_again_is_not_taken_for_the_old_one(database: Urls, copies: Copies) -> None:
    async with committing(database) as before:
        await before.submit(deposit("a", "10.00"))
    backup = copies.copy(database)
    async with committing(database) as committer:
        await committer.submit(spend("b", "10.00"))
        copies.restore(database, backup)
        async with committing(database) as other:
            user = UserId(an_id("other"))
            await together(other, *(deposit(f"grown {number}", "1.00", user=user) for number in range(9)))
        assert (await committer.submit(spend("c", "10.00"))).body["left"] == "0"
        assert committer.statistics.epochs == 1
    async with reading(database) as store:
        assert [event.version for event in await store.read_stream(BOOK)] == [1, 2]
